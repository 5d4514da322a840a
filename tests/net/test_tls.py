"""The local CA, and certificates that are renewed under a running server."""

import asyncio
import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from mailhost.net import tls as module
from mailhost.net.connection import Connection
from mailhost.net.listeners import ConnectionLimits, listen
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
