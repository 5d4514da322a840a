"""The byte stream of line protocols, over real sockets on uvloop."""

import asyncio
import itertools
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mailhost.net.compression import BrokenStream, Compression
from mailhost.net.connection import KEEPALIVE, Connection
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.listeners import Listener, listen
from mailhost.net.peer_addresses import plain_address
from mailhost.net.stream import bounds
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout, LineTooLong
from mailhost.net.tls import ensure_local_ca, server_context
from tests.support.examples import examples
from tests.support.running import run
from tests.support.transcript import anyone

Reader = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LIMITS = ConnectionLimits(total=1000, per_address=1000)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    files = ensure_local_ca(folder, hostnames=["localhost", "127.0.0.1"], now=timezone.now())
    return server_context(files.cert, files.key)


@asynccontextmanager
async def serving(
    serve: Callable[[Connection], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener[Connection]]:
    listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=LIMITS, tls=tls)
    try:
        yield listener
    finally:
        await listener.close(grace=1)


@asynccontextmanager
async def accepted(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Connection, Reader]]:
    """A connection as the server sees it, and the client's end of it."""
    arrived: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve(connection: Connection) -> None:
        arrived.set_result(connection)
        await over.wait()

    async with serving(serve, tls=tls) as listener:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", listener.port, ssl=anyone() if tls else None
        )
        try:
            yield await arrived, (reader, writer)
        finally:
            over.set()
            writer.close()


def test_lines_come_one_by_one_and_a_bare_lf_ends_one_too() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (_, writer)):
            writer.write(b"one\r\ntwo\nthr\ree\r\n\r\n")
            lines = [await connection.read_line(limit=100, timeout=5) for _ in range(4)]
            assert lines == [b"one", b"two", b"thr\ree", b""]
            assert connection.peer == connection.local == "127.0.0.1"
            assert connection.is_loopback
            assert not connection.is_tls

    run(scenario())


class FakeTransport(asyncio.Transport):
    """Enough of a transport to feed a Connection octet by octet."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 110)})
        self.is_paused = False
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def abort(self) -> None:
        pass


@examples(200)
@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"a", b"bcdefgh", b"\0"]), max_size=40).map(b"".join),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_lines_are_the_same_wherever_the_octets_are_cut(octets: bytes, places: list[int]) -> None:
    limit = 12
    ends = sorted({place % (len(octets) + 1) for place in places} | {0, len(octets)})

    async def read_all(connection: Connection) -> list[bytes | None]:
        lines: list[bytes | None] = []
        while True:
            try:
                lines.append(await connection.read_line(limit=limit, timeout=5))
            except LineTooLong:
                lines.append(None)
            except ConnectionLost:
                return lines

    async def scenario() -> None:
        connection = Connection()
        connection.connection_made(FakeTransport())
        reading = asyncio.create_task(read_all(connection))
        for start, end in itertools.pairwise(ends):
            connection.data_received(octets[start:end])
            await asyncio.sleep(0)
        connection.eof_received()
        whole = [line.removesuffix(b"\r") for line in octets.split(b"\n")[:-1]]
        assert await reading == [line if len(line) <= limit else None for line in whole]

    run(scenario())


def test_a_line_that_is_too_long_is_dropped_and_the_next_one_read() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (_, writer)):
            writer.write(b"x" * 500_000 + b"\r\nnext\r\n")
            with pytest.raises(LineTooLong):
                await connection.read_line(limit=1000, timeout=5)
            assert await connection.read_line(limit=1000, timeout=5) == b"next"

    run(scenario())


def test_an_endless_line_ends_the_connection() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (reader, writer)):
            writer.write(b"x" * (bounds.DISCARD_LIMIT + 500_000))
            with pytest.raises(ConnectionLost):
                await connection.read_line(limit=1000, timeout=5)
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                pass

    run(scenario())


def test_reading_is_paused_while_the_session_is_busy() -> None:
    async def scenario() -> None:
        transport = FakeTransport()
        connection = Connection()
        connection.connection_made(transport)
        connection.data_received(b"a\r\n" * 30_000)
        assert transport.is_paused
        for _ in range(30_000):
            assert await connection.read_line(limit=10, timeout=5) == b"a"
        waiting = asyncio.create_task(connection.read_line(limit=10, timeout=5))
        await asyncio.sleep(0)
        assert not transport.is_paused
        connection.data_received(b"b\r\n")
        assert await waiting == b"b"

    run(scenario())


def test_octets_are_counted_across_pieces() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (_, writer)):
            writer.write(b"a {300000}\r\n" + b"y" * 300_000 + b" tail\r\n")
            assert await connection.read_line(limit=100, timeout=5) == b"a {300000}"
            assert await connection.read_exactly(300_000, timeout=5) == b"y" * 300_000
            assert await connection.read_line(limit=100, timeout=5) == b" tail"
            assert await connection.read_exactly(0, timeout=5) == b""

    run(scenario())


def test_a_silent_client_is_waited_for_so_long_and_can_still_be_told() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (reader, writer)):
            writer.write(b"half a li")
            with pytest.raises(IdleTimeout):
                await connection.read_line(limit=100, timeout=0.05)
            connection.write(b"* BYE\r\n")
            assert await reader.readline() == b"* BYE\r\n"

    run(scenario())


def test_what_is_written_in_pieces_goes_out_together() -> None:
    async def scenario() -> None:
        transport = FakeTransport()
        connection = Connection()
        connection.connection_made(transport)
        for piece in (b"* 1 FETCH (UID 1)\r\n", b"* 2 FETCH (UID 2)\r\n"):
            await connection.tell(piece)
        connection.write(b"a OK done\r\n")
        assert transport.written == []
        await connection.drain()
        assert transport.written == [b"* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2)\r\na OK done\r\n"]
        await connection.tell(b"z" * bounds.WRITTEN_TOGETHER)
        assert len(transport.written) == 2
        await connection.tell(b"* OK still here\r\n")
        await asyncio.sleep(0)
        assert transport.written[2:] == [b"* OK still here\r\n"]

    run(scenario())


def test_a_client_that_shuts_its_sending_end_reads_its_replies() -> None:
    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            while True:
                connection.write(await connection.read_line(limit=100, timeout=5) + b"!\r\n")

        async with serving(serve) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(b"a\r\nb\r\nno end")
            writer.write_eof()
            assert await reader.read() == b"a!\r\nb!\r\n"
            writer.close()

    run(scenario())


def test_the_last_reply_arrives_though_the_client_has_sent_more() -> None:
    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            await connection.read_line(limit=100, timeout=5)
            connection.write(b"bye\r\n")

        async with serving(serve) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(b"QUIT\r\n" + b"more\r\n" * 50_000)
            assert await reader.readline() == b"bye\r\n"
            writer.close()

    run(scenario())


def test_starttls_drops_what_came_in_plaintext(context: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            while True:
                line = await connection.read_line(limit=100, timeout=5)
                if line == b"STARTTLS":
                    await connection.start_tls(context, announce=b"begin\r\n")
                    assert connection.is_tls
                else:
                    connection.write(line + b" is what came\r\n")

        async with serving(serve) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(b"STARTTLS\r\nINJECTED\r\n")
            assert await reader.readline() == b"begin\r\n"
            await writer.start_tls(anyone(), server_hostname="localhost")
            writer.write(b"mine\r\n")
            assert await reader.readline() == b"mine is what came\r\n"
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            writer.close()

    run(scenario())


def test_no_tls_older_than_1_2(context: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with serving(lambda connection: connection.drain(), tls=context) as listener:
            old = anyone()
            with pytest.warns(DeprecationWarning, match="TLSv1"):
                old.minimum_version = ssl.TLSVersion.TLSv1
            with pytest.warns(DeprecationWarning, match="TLSv1"):
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", listener.port, ssl=old)

    run(scenario())


def test_a_handshake_that_does_not_come_is_not_waited_for(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailhost.net.listeners.HANDSHAKE_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr("mailhost.net.connection.HANDSHAKE_TIMEOUT_SECONDS", 0.1)

    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            await connection.start_tls(context, announce=b"begin\r\n")

        for tls, greeting in ((context, b""), (None, b"begin\r\n")):
            async with serving(serve, tls=tls) as listener:
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
                assert await asyncio.wait_for(reader.read(), 5) == greeting
                writer.close()

    run(scenario())


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_slow_reader_is_waited_for_and_one_that_takes_nothing_is_left(
    is_tls: bool, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailhost.net.stream.writing_side.WRITE_TIMEOUT_SECONDS", 0.2)

    async def scenario() -> None:
        async with accepted(tls=context if is_tls else None) as (connection, (_, writer)):
            writer.transport.pause_reading()  # type: ignore[attr-defined]

            async def write_all() -> None:
                for _ in range(1000):
                    connection.write(b"z" * 65536)
                    await connection.drain()

            with pytest.raises(ConnectionLost):
                await write_all()
            assert connection._transport is not None
            assert connection._transport.get_write_buffer_size() < 2_000_000

    run(scenario())


def test_everything_written_arrives_before_the_end(context: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            for _ in range(100):
                connection.write(b"z" * 65536)
                await connection.drain()

        for tls in (None, context):
            async with serving(serve, tls=tls) as listener:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", listener.port, ssl=anyone() if tls else None
                )
                assert len(await reader.read()) == 100 * 65536
                writer.close()

    run(scenario())


def test_idle_waits_for_a_line_or_a_nudge() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (_, writer)):
            connection.nudge()
            assert not await connection.wait_readable(timeout=5)
            waiting = asyncio.create_task(connection.wait_readable(timeout=5))
            await asyncio.sleep(0)
            connection.nudge()
            assert not await waiting
            with pytest.raises(IdleTimeout):
                await connection.wait_readable(timeout=0.05)
            writer.write(b"DONE\r\n")
            assert await connection.wait_readable(timeout=5)
            assert await connection.read_line(limit=100, timeout=5) == b"DONE"
            writer.close()
            assert await connection.wait_readable(timeout=5)
            with pytest.raises(ConnectionLost):
                await connection.read_line(limit=100, timeout=5)

    run(scenario())


def test_a_reset_ends_the_session() -> None:
    async def scenario() -> None:
        async with accepted() as (connection, (_, writer)):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
            with pytest.raises(ConnectionLost):
                await connection.read_line(limit=100, timeout=5)

    run(scenario())


@pytest.mark.parametrize(
    ("given_address", "plain"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_addresses_have_one_form(given_address: str, plain: str) -> None:
    assert plain_address(given_address) == plain


@pytest.mark.parametrize("is_tls", [False, True])
def test_the_kernel_probes_silent_clients_where_it_is_asked_to(context: ssl.SSLContext, is_tls: bool) -> None:
    async def scenario() -> None:
        async with accepted(tls=context if is_tls else None) as (connection, _):
            sock = connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            connection.probe_peer()
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, KEEPALIVE[0][0]) == 60

    run(scenario())


def deflated(*pieces: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(stream.compress(piece) + stream.flush(zlib.Z_SYNC_FLUSH) for piece in pieces)


@asynccontextmanager
async def compressed(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Connection, Reader]]:
    async with accepted(tls=tls) as (connection, (reader, writer)):
        connection.compress(announce=b"OK\r\n")
        assert await reader.readline() == b"OK\r\n"
        yield connection, (reader, writer)


@pytest.mark.parametrize("is_tls", [False, True])
def test_compressed_both_ways(context: ssl.SSLContext, is_tls: bool) -> None:
    async def scenario() -> None:
        async with compressed(tls=context if is_tls else None) as (connection, (reader, writer)):
            assert connection.is_compressed
            inflater = zlib.decompressobj(-15)
            for number in range(20):
                line = b"%d " % number + b"line " * 1000
                writer.write(deflated(line + b"\r\n"))  # flushed streams may follow one another
                assert await connection.read_line(limit=10_000, timeout=5) == line
                connection.write(b"reply " * 100)
                connection.write(b"to %d\r\n" % number)
                await connection.drain()  # what was written can be read now
                told = b""
                while not told.endswith(b"\r\n"):
                    told += inflater.decompress(await reader.read(65536))
                assert told == b"reply " * 100 + b"to %d\r\n" % number
                if number % 3 == 0:  # the compressor is let go, and the client's stream goes on
                    connection.nudge()
                    assert not await connection.wait_readable(timeout=5)

    run(scenario())


def test_a_bomb_is_unfolded_no_further_than_it_is_read() -> None:
    async def scenario() -> None:
        async with compressed() as (connection, (_, writer)):
            writer.write(deflated(b"x" * 50_000_000 + b"\r\n", b"NOOP\r\n"))  # 50 KB over the wire
            largest = 0

            def watched(limit: int, inflate: Callable[[int], None] = connection._inflate) -> None:
                nonlocal largest
                inflate(limit)
                largest = max(largest, len(connection._buffer))

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Connection, "_inflate", lambda self, limit: watched(limit))
                with pytest.raises(ConnectionLost):
                    await connection.read_line(limit=8192, timeout=20)
            assert 0 < largest <= 3 * bounds.READ_HIGH_WATER

    run(scenario())


def test_a_long_compressed_line_is_refused_and_the_next_one_read() -> None:
    async def scenario() -> None:
        async with compressed() as (connection, (_, writer)):
            writer.write(deflated(b"x" * 500_000 + b"\r\nNOOP\r\n"))
            with pytest.raises(LineTooLong):
                await connection.read_line(limit=1000, timeout=20)
            assert await connection.read_line(limit=1000, timeout=20) == b"NOOP"
            writer.write(deflated(b"y" * 300_000 + b"last\r\n"))
            assert await connection.read_exactly(300_000, timeout=20) == b"y" * 300_000
            assert await connection.read_line(limit=1000, timeout=20) == b"last"

    run(scenario())


def test_what_is_still_to_be_inflated_is_read_after_the_client_went() -> None:
    async def scenario() -> None:
        async with compressed() as (connection, (_, writer)):
            writer.write(deflated(b"".join(b"%d\r\n" % number for number in range(50_000))))
            writer.close()
            for number in range(50_000):
                assert await connection.read_line(limit=100, timeout=20) == b"%d" % number
            with pytest.raises(ConnectionLost):
                await connection.read_line(limit=100, timeout=20)

    run(scenario())


@pytest.mark.parametrize("octets", [b"a NOOP\r\n", zlib.compress(b"a NOOP\r\n")[2:-4]])
def test_what_is_no_stream_or_ends_it_ends_the_connection(octets: bytes) -> None:
    async def scenario() -> None:
        async with compressed() as (connection, (reader, writer)):
            writer.write(octets)
            lines = []
            try:
                while True:
                    lines.append(await connection.read_line(limit=100, timeout=20))
            except ConnectionLost:
                assert lines in ([], [b"a NOOP"])
            with pytest.raises((ConnectionError, EOFError)):
                await reader.readexactly(1)

    run(scenario())


@given(st.lists(st.binary(max_size=200), max_size=5), st.binary(max_size=100))
def test_any_octets_into_the_inflater_are_bounded(pieces: list[bytes], junk: bytes) -> None:
    compression = Compression()
    compression.feed(deflated(*pieces) + junk)
    came = b""
    try:
        while compression.has_input:
            piece = compression.inflate(64)
            assert len(piece) <= 64
            came += piece
            if not piece and not compression.has_input:
                break
    except BrokenStream:
        pass
    assert came[: len(b"".join(pieces))] == b"".join(pieces)[: len(came)]


@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=10))
def test_the_client_reads_what_was_written(pieces: list[tuple[bytes, bool]]) -> None:
    compression, inflater = Compression(), zlib.decompressobj(-15)
    for octets, is_idle in pieces:
        sent = compression.deflate(octets) + compression.flush()
        assert inflater.decompress(sent) == octets
        if is_idle:
            compression.forget()
