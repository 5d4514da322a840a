"""Connections by a balancer: who they are, what is read of them, and who is refused."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from mailhost.net.connection import Connection
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.listeners import Listener, listen
from mailhost.net.proxy_protocol import NoProxyHeader, read_source
from mailhost.net.tls import ensure_local_ca, server_context
from tests.support.running import run
from tests.support.transcript import anyone

HEADER = b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\n"


@pytest.fixture(autouse=True)
def balancer(settings: Settings) -> None:
    settings.PROXY_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)


async def tell(connection: Connection) -> None:
    """Who it is, and what it said."""
    line = await connection.read_line(limit=100, timeout=5)
    where = f"{connection.peer} {connection.peer_port} {connection.local} {connection.local_port}"
    connection.write(f"{where} {connection.is_loopback} {line.decode()}\r\n".encode())


@asynccontextmanager
async def telling(
    *, per_address: int = 10, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener[Connection]]:
    limits = ConnectionLimits(total=10, per_address=per_address)
    listener = await listen(
        host="127.0.0.1", port=0, serve=tell, limits=limits, tls=tls, refusal=b"too many\r\n"
    )
    yield listener
    await listener.close(grace=1)
    assert not len(limits.by_address)


async def say(port: int, *blocks: bytes) -> bytes:
    """What comes back; each block goes out by itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for block in blocks:
        writer.write(block)
        await writer.drain()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def test_the_client_is_who_the_balancer_says() -> None:
    async def scenario() -> None:
        async with telling() as listener:
            wanted = b"192.0.2.1 4711 198.51.100.2 25 False hello\r\n"
            assert await say(listener.port, HEADER + b"hello\r\n") == wanted
            assert await say(listener.port, *(bytes([octet]) for octet in HEADER + b"hello\r\n")) == wanted

    run(scenario())


def test_a_balancer_that_speaks_for_itself_is_itself() -> None:
    async def scenario() -> None:
        async with telling() as listener:
            told = await say(listener.port, b"PROXY UNKNOWN\r\nhello\r\n")
            assert told.startswith(b"127.0.0.1 ")
            assert told.endswith(b" True hello\r\n")

    run(scenario())


@pytest.mark.parametrize(
    "octets", [b"hello\r\n", b"PROXY TCP4 x\r\n", b"\r\n\r\n\0\r\nQUIT\r\n\0\0\0\0", HEADER[:9]]
)
def test_a_balancer_without_a_header_is_sent_away(octets: bytes) -> None:
    async def scenario() -> None:
        async with telling() as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(octets)
            writer.write_eof()
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                pass  # closed with octets unread
            writer.close()

    run(scenario())


def test_a_header_that_does_not_come_is_waited_for_a_while_only() -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.send(HEADER[:10])
        with pytest.raises(NoProxyHeader, match="in time"):
            await read_source(ours, timeout=0.01)
        theirs.send(HEADER[10:] + b"more")
        with pytest.raises(NoProxyHeader):  # what was read is gone: nobody reads on in the middle
            await read_source(ours, timeout=0.01)
        ours.close()
        theirs.close()

    run(scenario())


def test_from_anybody_else_a_header_is_just_a_line(settings: Settings) -> None:
    settings.PROXY_NETWORKS = (ipaddress.ip_network("192.0.2.0/24"),)

    async def scenario() -> None:
        async with telling() as listener:
            told = await say(listener.port, HEADER)
            assert told.startswith(b"127.0.0.1 ")
            assert told.endswith(b" True PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\n")

    run(scenario())


def test_limits_count_clients_and_not_the_balancer() -> None:
    async def scenario() -> None:
        async with telling(per_address=1) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(HEADER)
            other = HEADER.replace(b"192.0.2.1", b"192.0.2.9")
            assert (await say(listener.port, other + b"hi\r\n")).startswith(b"192.0.2.9 ")
            assert await say(listener.port, HEADER) == b"too many\r\n"
            writer.write(b"hello\r\n")
            assert (await reader.read()).startswith(b"192.0.2.1 ")
            writer.close()

    run(scenario())


def test_tls_begins_behind_the_header(tmp_path: Path) -> None:
    certificate = ensure_local_ca(tmp_path, hostnames=["localhost"], now=datetime.now(UTC))

    async def scenario() -> None:
        async with telling(tls=server_context(certificate.cert, certificate.key)) as listener:
            sock = socket.create_connection(("127.0.0.1", listener.port))
            sock.send(HEADER)
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=anyone(), server_hostname="localhost"
            )
            writer.write(b"hello\r\n")
            assert (await reader.readline()).startswith(b"192.0.2.1 4711 ")
            writer.close()

    run(scenario())


def test_who_has_sent_no_header_is_cut_off_at_the_end() -> None:
    async def scenario() -> None:
        async with telling() as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            await say(listener.port, HEADER + b"hello\r\n")  # the one before is accepted by now
        assert await reader.read() == b""
        writer.close()

    run(scenario())
