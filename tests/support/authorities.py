"""Certificate authorities for tests: certificates for any name and time, and TLS servers that show them."""

import datetime as dt
import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey
YEAR = dt.timedelta(days=365)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and the chain that its server shows, its own first."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...]

    @property
    def der(self) -> bytes:
        return der(self.certificate)

    @property
    def chain_der(self) -> list[bytes]:
        return [der(each) for each in self.chain]

    def context(self) -> ssl.SSLContext:
        """Of a server that shows the chain."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in self.chain))
            key.write_bytes(
                self.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            context.load_cert_chain(chain, key)
        return context


@dataclass
class Authority:
    """A root, or one below another. now: its certificates are valid from the day before, for a year."""

    now: dt.datetime
    name: str = "Test CA"
    above: "Authority | None" = None
    path_length: int | None = None
    is_ca: bool = True
    signs: bool = True
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        subject = _name(self.name)
        issuer, key = (self.above.certificate.subject, self.above.key) if self.above else (subject, self.key)
        builder = (
            _builder(subject, issuer, self.key.public_key(), self.now - dt.timedelta(days=1), self.now + YEAR)
            .add_extension(x509.BasicConstraints(self.is_ca, self.path_length), critical=True)
            .add_extension(_usage(signs=self.signs), critical=True)
        )
        if self.above:
            builder = builder.add_extension(_authority(self.above.key), critical=False)
        self.certificate = builder.sign(key, hashes.SHA256())

    @property
    def der(self) -> bytes:
        return der(self.certificate)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """This one, and all above."""
        return (self.certificate, *(self.above.chain if self.above else ()))

    def issue(
        self,
        *names: str,
        common_name: str = "",
        begins: dt.datetime | None = None,
        ends: dt.datetime | None = None,
        usages: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.SERVER_AUTH,),
        critical: x509.ExtensionType | None = None,
    ) -> Issued:
        """A server's, with these as DNS-IDs, or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        begins, ends = begins or self.now - dt.timedelta(days=1), ends or self.now + YEAR
        subject = _name(common_name or "server")
        builder = _builder(subject, self.certificate.subject, key.public_key(), begins, ends)
        builder = _server(builder, names, usages).add_extension(_authority(self.key), critical=False)
        if critical is not None:
            builder = builder.add_extension(critical, critical=True)
        made = builder.sign(self.key, hashes.SHA256())
        return Issued(made, key, (made, *self.chain))


def self_signed(*names: str, now: dt.datetime) -> Issued:
    """A server's that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(names[0] if names else "server")
    builder = _builder(name, name, key.public_key(), now - dt.timedelta(days=1), now + YEAR)
    made = _server(builder, names, [ExtendedKeyUsageOID.SERVER_AUTH]).sign(key, hashes.SHA256())
    return Issued(made, key, (made,))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _server(
    builder: x509.CertificateBuilder, names: Sequence[str], usages: Sequence[x509.ObjectIdentifier]
) -> x509.CertificateBuilder:
    if names:
        alternatives = x509.SubjectAlternativeName([_alternative(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.add_extension(x509.BasicConstraints(False, None), critical=True)


def _alternative(name: str) -> x509.GeneralName:
    """An address goes as such."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _authority(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
