"""TLS contexts for our listeners, and the small CA of a machine that has no certificate yet."""

import datetime as dt
import ipaddress
import os
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS = 10.0  # a renewed certificate is served within this time
REMEMBERED_END_POINTS = 4  # certificates of this process's life; sessions are resumed within hours
CA_LIFETIME = dt.timedelta(days=3650)
CERTIFICATE_LIFETIME = dt.timedelta(days=397)  # Apple's clients refuse more than 398 days
RENEW_BEFORE = dt.timedelta(days=30)


class _Context(ssl.SSLContext):
    """A context that knows the end points its sessions may show: its own first, then those before it."""

    end_points: tuple[bytes, ...] = ()


def end_points(tls: ssl.SSLObject | None) -> tuple[bytes, ...]:
    """What tls-server-end-point (RFC 5929 section 4) is on this connection; empty where it is not defined.

    One, but where a TLS session is resumed: then the client was shown a certificate in an earlier handshake, perhaps
    one that was replaced since.
    """
    if tls is None or not isinstance(tls.context, _Context):
        return ()
    return tls.context.end_points if tls.session_reused else tls.context.end_points[:1]


def end_point(certificate: x509.Certificate) -> bytes:
    """RFC 5929 section 4.1: the hash of the signature, SHA-256 instead of MD5 and SHA-1. b"" where it is undefined."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return b""
    if algorithm is None:  # such as Ed25519
        return b""
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


class _Files:
    """A certificate and key on disk, and the context made of their present state."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self._looked_at = time.monotonic()
        self._stamp = self._stamp_now()
        self.context = self._make_context(())

    def _stamp_now(self) -> tuple[int, ...]:
        stats = [path.stat() for path in (self._cert, self._key)]
        return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_ino, stat.st_size))

    def _make_context(self, earlier: tuple[bytes, ...]) -> _Context:
        context = _Context(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996 retires 1.0 and 1.1
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.num_tickets = 1  # one client resumes one session; each ticket is a record in the handshake
        context.load_cert_chain(self._cert, self._key)
        shown = end_point(
            x509.load_pem_x509_certificate(self._cert.read_bytes())
        )  # the first one is the server's
        context.end_points = (shown, *earlier)[:REMEMBERED_END_POINTS] if shown else ()
        context.sni_callback = self._choose
        return context

    def _choose(self, tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Called in every handshake, with or without a name: serve what the files hold now."""
        self.look_again()
        if context is not self.context:
            tls.context = self.context

    def look_again(self) -> None:
        """Re-read the files if they changed; a pair that cannot be used is left for the one at hand."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN_SECONDS:
            return
        self._looked_at = now
        try:
            stamp = self._stamp_now()
            if stamp == self._stamp:
                return
            self.context = self._make_context(self.context.end_points)
            self._stamp = stamp
            log.info("certificate re-read", cert=str(self._cert))
        except (OSError, ValueError) as error:  # covers ssl.SSLError
            log.error("certificate cannot be read", cert=str(self._cert), error=str(error))


def server_context(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and later with this chain and key; when the files change, new connections get the new ones.

    Raises OSError (ssl.SSLError) where they cannot be used now.
    """
    return _Files(cert, key).context


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """Paths of PEM files: the CA to trust, the chain to serve, its key (mode 0600)."""

    ca: Path
    cert: Path
    key: Path


def ensure_local_ca(folder: Path, *, hostnames: Sequence[str], now: dt.datetime) -> LocalCertificate:
    """The certificate for these names and IP addresses, made (or renewed near its end) by a CA in that
    folder.

    The CA stays the same as long as it is valid, so that whoever trusts it goes on doing so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = LocalCertificate(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    ca_key_path = folder / "ca.key"
    ca = _read_valid(paths.ca, now=now + CERTIFICATE_LIFETIME)
    if ca is None or not ca_key_path.is_file():
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _make_ca(ca_key, now=now)
        _write(ca_key_path, _key_pem(ca_key), mode=0o600)
        _write(paths.ca, ca.public_bytes(serialization.Encoding.PEM), mode=0o644)
        paths.cert.unlink(missing_ok=True)
    current = _read_valid(paths.cert, now=now + RENEW_BEFORE)
    if current is None or not paths.key.is_file() or _names(current) != _wanted(hostnames):
        loaded = serialization.load_pem_private_key(ca_key_path.read_bytes(), password=None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _make_certificate(key.public_key(), ca, loaded, hostnames=hostnames, now=now)
        _write(paths.key, _key_pem(key), mode=0o600)
        _write(paths.cert, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return paths


def _read_valid(path: Path, *, now: dt.datetime) -> x509.Certificate | None:
    """The certificate, unless it is absent, broken, or over at that time."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return certificate if certificate.not_valid_after_utc > now else None


def _wanted(hostnames: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for hostname in dict.fromkeys(hostnames):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(hostname)))
        except ValueError:
            names.append(x509.DNSName(hostname))
    return names


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _builder(subject: str, issuer: x509.Name | None, *, now: dt.datetime) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clients' clocks are not ours
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _make_ca(key: ec.EllipticCurvePrivateKey, *, now: dt.datetime) -> x509.Certificate:
    return (
        _builder("Local mail host CA", None, now=now)
        .not_valid_after(now + CA_LIFETIME)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _make_certificate(
    public_key: ec.EllipticCurvePublicKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    *,
    hostnames: Sequence[str],
    now: dt.datetime,
) -> x509.Certificate:
    return (
        _builder(hostnames[0], ca.subject, now=now)
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .public_key(public_key)
        .add_extension(x509.SubjectAlternativeName(_wanted(hostnames)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, octets: bytes, *, mode: int) -> None:
    """Write under another name, then rename: readers see the old or the new file, never a key too open."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(octets)
    draft.chmod(mode)
    draft.rename(path)
