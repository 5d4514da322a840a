"""The local CA, and certificates that are renewed under a running server."""

import asyncio
import datetime as dt
import hashlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID

from mailhost.net import tls as module
from mailhost.net.connection import Connection
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.listeners import listen
from mailhost.net.tls import ensure_local_ca, server_context
from tests.support.running import run

NOW = dt.datetime.now(dt.UTC)
NAMES = ["localhost", "127.0.0.1"]


def expiry(path: Path) -> dt.datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def test_keys_are_private_and_files_stay_as_they_are(tmp_path: Path) -> None:
    files = ensure_local_ca(tmp_path / "tls", hostnames=NAMES, now=NOW)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600
    before = [path.read_bytes() for path in (files.ca, files.cert, files.key)]
    ensure_local_ca(tmp_path / "tls", hostnames=NAMES, now=NOW)
    assert before == [path.read_bytes() for path in (files.ca, files.cert, files.key)]
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == [
        "ca.key",
        "ca.pem",
        "cert.pem",
        "key.pem",
    ]


def test_a_certificate_near_its_end_or_for_other_names_is_renewed_under_the_same_ca(tmp_path: Path) -> None:
    files = ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
    ca, first = files.ca.read_bytes(), expiry(files.cert)
    later = NOW + dt.timedelta(days=370)
    ensure_local_ca(tmp_path, hostnames=NAMES, now=later)
    assert expiry(files.cert) > first
    other = files.cert.read_bytes()
    ensure_local_ca(tmp_path, hostnames=[*NAMES, "mail.example.test"], now=later)
    assert files.cert.read_bytes() != other
    assert files.ca.read_bytes() == ca
    ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW + dt.timedelta(days=3649))
    assert files.ca.read_bytes() != ca


def test_a_broken_certificate_is_made_anew(tmp_path: Path) -> None:
    files = ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
    files.cert.write_text("rubbish")
    ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
    server_context(files.cert, files.key)


@pytest.mark.parametrize("host", NAMES)
def test_a_client_that_trusts_the_ca_gets_through_and_sees_a_renewal(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.0)
    files = ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
    context = server_context(files.cert, files.key)
    trusting = ssl.create_default_context(cafile=str(files.ca))

    async def serve(connection: Connection) -> None:
        connection.write(b"hello\r\n")

    async def serial(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=host)
        assert await reader.read() == b"hello\r\n"
        certificate = writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
        writer.close()
        return bytes.fromhex(certificate.zfill(40))

    async def scenario() -> None:
        limits = ConnectionLimits(total=10, per_address=10)
        listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits, tls=context)
        first = await serial(listener.port)
        assert await serial(listener.port) == first
        files.key.write_text("rubbish")
        assert await serial(listener.port) == first  # a half-written renewal changes nothing
        files.cert.unlink()
        ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
        assert await serial(listener.port) != first
        await listener.close(grace=1)

    run(scenario())


def self_signed(
    folder: Path, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, hash_: Any
) -> tuple[Path, Path]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + dt.timedelta(days=1))
        .sign(key, hash_)
    )
    (folder / "cert").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert", folder / "key"


def test_the_end_point_is_hashed_as_the_certificate_was_signed(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    for hash_, name in ((hashes.SHA256(), "sha256"), (hashes.SHA512(), "sha512")):
        path, _ = self_signed(tmp_path, key, hash_)
        der = ssl.PEM_cert_to_DER_cert(path.read_text())
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        assert module.end_point(certificate) == hashlib.new(name, der).digest()


def test_a_signature_without_a_hash_has_no_end_point(tmp_path: Path) -> None:
    cert, _ = self_signed(tmp_path, ed25519.Ed25519PrivateKey.generate(), None)
    assert module.end_point(x509.load_pem_x509_certificate(cert.read_bytes())) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_is_bound_to_is_what_the_client_was_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    """Also after a renewal, where a session of before is resumed: the client knows the certificate of then alone."""
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.0)
    files = ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
    context = server_context(files.cert, files.key)
    trusting = ssl.create_default_context(cafile=str(files.ca))
    trusting.maximum_version = version
    seen: list[tuple[bytes, ...]] = []

    async def serve(connection: Connection) -> None:
        seen.append(connection.end_points)
        connection.write(b"hello\r\n")

    def visit(port: int, session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession | None]:
        """The digest of the certificate that the client was shown, and its session."""
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        with trusting.wrap_socket(plain, server_hostname="localhost", session=session) as client:
            assert client.recv(100) == b"hello\r\n"
            certificate = client.getpeercert(binary_form=True) or b""
            return hashlib.sha256(certificate).digest(), client.session

    async def scenario() -> None:
        limits = ConnectionLimits(total=10, per_address=10)
        listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits, tls=context)
        first, session = await asyncio.to_thread(visit, listener.port, None)
        assert seen.pop() == (first,)
        await asyncio.to_thread(visit, listener.port, session)
        assert seen.pop() == (first,)
        files.cert.unlink()
        ensure_local_ca(tmp_path, hostnames=NAMES, now=NOW)
        shown, _ = await asyncio.to_thread(visit, listener.port, session)
        assert shown in seen.pop()
        second, _ = await asyncio.to_thread(visit, listener.port, None)
        assert second != first
        assert seen.pop() == (second,)
        await listener.close(grace=1)

    run(scenario())


def test_without_tls_there_is_nothing_to_bind_to() -> None:
    assert module.end_points(None) == ()
