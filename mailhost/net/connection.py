"""The byte stream of a line protocol (IMAP, POP3) over TCP or TLS, with every buffer bounded.

One object and no task of its own for each connection; nothing is allocated while it is idle. TLS is begun
with `loop.start_tls`, after which nothing that came in plaintext is left (RFC 2595 section 2.1, RFC 3501
section 6.2.1).
"""

import asyncio
import functools
import io
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from typing import cast

from mailhost.net.compression import BrokenStream, Compression
from mailhost.net.tls import end_points

READ_HIGH_WATER = 64 * 1024  # octets read ahead of the session before the socket is left alone
WRITTEN_TOGETHER = 64 * 1024  # octets of one answer that are gathered before they go out
WRITE_HIGH_WATER = 256 * 1024  # octets on their way out before drain() waits
WRITE_TIMEOUT_SECONDS = 60.0  # a reader that takes nothing for so long is gone
HANDSHAKE_TIMEOUT_SECONDS = 15.0  # slow phones on bad networks need a few round trips
CLOSE_TIMEOUT_SECONDS = 5.0
LINGER_SECONDS = 1.0
KNOWN_ADDRESSES = 4096  # parsed lately; parsing one takes 10 µs, and a short session asks several times
# After a minute of silence, then every 15 s: two minutes from a pulled cable to the end.
# macOS names the first one otherwise.
KEEPALIVE = tuple(
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPALIVE", 60),
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 4),
    )
    if hasattr(socket, name)
)
DISCARD_LIMIT = 1024 * 1024  # of a line that is too long; whoever sends more speaks no line protocol


class ConnectionLost(Exception):
    """The client went away, takes nothing, or sends what cannot be served; the session is over."""


class ShuttingDown(ConnectionLost):
    """This process ends; there is time for one last line (BYE) and no more commands."""


class IdleTimeout(Exception):
    """The client did not send what was waited for in time; replies can still be written."""


class LineTooLong(Exception):
    """A line was longer than allowed. All of it has been read and dropped: the next one can be read."""


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def plain_address(address: str) -> str:
    """An IP address as text; an IPv4 client on a dual-stack socket in its IPv4 form, no zone."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def is_loopback_address(address: str) -> bool:
    """Whether a plain address is this machine's own."""
    return ipaddress.ip_address(address).is_loopback


class Connection(asyncio.Protocol):
    """See the module. `peer` and `local` are IP addresses as text; `is_loopback` is about the peer."""

    __slots__ = (
        "_buffer",
        "_closed",
        "_compression",
        "_eof",
        "_loop",
        "_lost",
        "_nudged",
        "_reading_paused",
        "_shutting_down",
        "_transport",
        "_unsent",
        "_unsent_octets",
        "_waiter",
        "_write_waiter",
        "_writing_paused",
        "is_loopback",
        "is_tls",
        "local",
        "local_port",
        "peer",
        "peer_port",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._compression: Compression | None = None
        self._unsent: list[bytes] = []
        self._unsent_octets = 0
        self._waiter: asyncio.Future[None] | None = None  # the session waits for input
        self._write_waiter: asyncio.Future[None] | None = (
            None  # the session waits for room to write, or the end
        )
        self._eof = self._lost = self._closed = False
        self._reading_paused = self._writing_paused = False
        self._nudged = self._shutting_down = False
        self.is_tls = self.is_loopback = False
        self.peer = self.local = ""
        self.peer_port = self.local_port = 0

    # --- what the loop calls --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands; with implicit TLS its handshake is done."""
        self._adopt(cast(asyncio.Transport, transport))
        peer, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self.peer, self.peer_port = plain_address(peer[0]), peer[1]
        self.local, self.local_port = plain_address(local[0]), local[1]
        self.is_loopback = is_loopback_address(self.peer)
        self.is_tls = transport.get_extra_info("ssl_object") is not None

    def _adopt(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        """Octets came in."""
        if self._closed:
            return  # lingering: the rest is of no interest
        if self._compression is None:
            self._buffer += data
        else:
            self._compression.feed(data)
            self._inflate(READ_HIGH_WATER - len(self._buffer))
        is_full = len(self._buffer) >= READ_HIGH_WATER or self._has_more_to_inflate
        if is_full and not self._reading_paused and self._transport is not None:
            self._transport.pause_reading()
            self._reading_paused = True
        self._wake()

    @property
    def _has_more_to_inflate(self) -> bool:
        return self._compression is not None and self._compression.has_input

    def _inflate(self, limit: int) -> None:
        """So many octets more into the buffer; whoever sends what cannot be inflated is cut off."""
        if self._compression is None or limit <= 0:
            return
        try:
            self._buffer += self._compression.inflate(limit)
            self._eof |= (
                self._compression.has_ended
            )  # until end_compression(): what is here may still be answered
        except BrokenStream:
            self._compression.drop_input()
            self.abort()

    def eof_received(self) -> bool:
        """The client sends nothing more; over plain TCP it may still read replies (`printf … | nc`)."""
        self._eof = True
        self._wake()
        return not self.is_tls

    def connection_lost(self, exc: Exception | None) -> None:
        """All is over. Lines already received are still handed out: the client did send them."""
        self._lost = self._eof = True
        self._wake()
        self._wake_writer()

    def pause_writing(self) -> None:
        """Too much is on its way out."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._writing_paused = False
        self._wake_writer()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _wake_writer(self) -> None:
        if self._write_waiter is not None and not self._write_waiter.done():
            self._write_waiter.set_result(None)

    # --- reading --------------------------------------------------------------------------------------------

    async def read_line(self, *, limit: int, timeout: float) -> bytes:
        """The next line without its CRLF (a bare LF ends it too), at most `limit` octets.

        Raises LineTooLong, ConnectionLost (ShuttingDown), IdleTimeout after `timeout` seconds for the whole
        line.
        """
        deadline = self._loop.time() + timeout
        scanned = dropped = 0
        buffer = self._buffer
        while (end := buffer.find(b"\n", scanned)) < 0:
            scanned = len(buffer)
            if scanned > limit + 1:  # more than the line and its CR
                dropped += scanned
                scanned = 0
                buffer.clear()
                if dropped > DISCARD_LIMIT:
                    self.abort()
                    raise ConnectionLost("an endless line")
            await self._wait_for_input(deadline)
        line = bytes(buffer[:end]).removesuffix(b"\r")
        del buffer[: end + 1]
        if dropped or len(line) > limit:
            raise LineTooLong(f"more than {limit} octets")
        return line

    async def read_exactly(self, count: int, *, timeout: float) -> bytes:
        """`count` octets, all in memory: bound `count` before. Raises as read_line does."""
        if 0 < count <= len(self._buffer):  # a short literal comes with its command
            with memoryview(self._buffer) as view:
                octets = bytes(view[:count])
            del self._buffer[:count]
            return octets
        whole = io.BytesIO()  # hands out the octets that it has gathered, where a join would make them twice
        async for chunk in self.read_chunks(count, timeout=timeout):
            whole.write(chunk)
        return whole.getvalue()

    async def read_chunks(self, count: int, *, timeout: float) -> AsyncIterator[bytes]:
        """`count` octets in pieces as they come in; `timeout` is for each piece. Raises as read_line does."""
        while count > 0:
            if not self._buffer:
                await self._wait_for_input(self._loop.time() + timeout)
                continue
            chunk = bytes(self._buffer) if len(self._buffer) <= count else bytes(self._buffer[:count])
            del self._buffer[: len(chunk)]
            count -= len(chunk)
            yield chunk

    async def wait_readable(self, *, timeout: float) -> bool:
        """Wait for a line (True: read_line will not wait, or tells of the end) or for nudge() (False).

        For IDLE: whoever has news for this session calls nudge(), before or while it waits; no task is
        needed. Raises IdleTimeout.
        """
        deadline = self._loop.time() + timeout
        if self._compression is not None:
            self._flush()
            self._compression.forget()  # this may take half an hour
        while not (self._eof or self._shutting_down or b"\n" in self._buffer):
            if self._nudged:
                self._nudged = False
                return False
            if len(self._buffer) >= READ_HIGH_WATER:
                break  # not a line that anybody waits for: let read_line refuse it
            await self._wait_for_input(deadline)
        return True

    def nudge(self) -> None:
        """Let wait_readable return False, now or when it is next called. To be called in the loop."""
        self._nudged = True
        self._wake()

    async def _wait_for_input(self, deadline: float) -> None:
        """Until something happened: input, a nudge, the end. The caller looks what it was."""
        if self._has_more_to_inflate:
            self._inflate(READ_HIGH_WATER)
            return
        self._flush()
        if self._compression is not None and self._compression.has_ended:
            self.abort()  # and nothing that ends compression came with it
        if self._eof:
            raise ConnectionLost("closed by the client")
        if self._shutting_down:
            raise ShuttingDown("this process ends")
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, self._time_out, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    @staticmethod
    def _time_out(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(IdleTimeout())

    # --- writing --------------------------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Send without waiting; call drain() after every reply.

        What is little goes out with what follows it at once: at drain(), or with the loop's next turn.
        """
        if self._compression is not None:
            octets = self._compression.deflate(octets)
        self._gather(octets)

    async def send(self, octets: bytes) -> None:
        """Write the end of an answer, with what was written before it, and drain. Raises as drain() does."""
        if self._compression is not None:
            octets = self._compression.deflate(octets)
        self._unsent.append(octets)  # nothing has to be remembered for the loop's next turn
        self._flush()
        if self._writing_paused or self._lost:
            await self.drain()

    async def tell(self, octets: bytes) -> None:
        """Write a part of an answer whose end will be drained. Raises as drain() does, where there is much of it."""
        self.write(octets)
        if self._writing_paused or self._lost:
            await self.drain()

    def _gather(self, octets: bytes) -> None:
        if not octets:
            return
        if not self._unsent:
            self._loop.call_soon(self._send_gathered)  # whatever the session does next
        self._unsent.append(octets)
        self._unsent_octets += len(octets)
        if self._unsent_octets >= WRITTEN_TOGETHER:
            self._send_gathered()

    def _send_gathered(self) -> None:
        unsent, self._unsent, self._unsent_octets = self._unsent, [], 0
        if unsent and self._transport is not None and not self._lost and not self._closed:
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def _flush(self) -> None:
        if self._compression is not None:
            self._gather(self._compression.flush())
        if self._unsent:
            self._send_gathered()

    async def drain(self) -> None:
        """Wait until the client has taken enough. Raises ConnectionLost, also when it takes nothing any more."""
        self._flush()
        transport = self._transport
        while self._writing_paused and not self._lost and transport is not None:
            before = transport.get_write_buffer_size()
            await self._wait_for_writer(WRITE_TIMEOUT_SECONDS)
            if self._writing_paused and not self._lost and transport.get_write_buffer_size() >= before:
                self.abort()
                raise ConnectionLost("the client takes nothing")
        if self._lost:
            raise ConnectionLost("closed by the client")

    async def _wait_for_writer(self, timeout: float) -> None:
        waiter = self._write_waiter = self._loop.create_future()
        timer = self._loop.call_later(timeout, self._wake_writer)
        try:
            await waiter
        finally:
            timer.cancel()
            self._write_waiter = None

    # --- TLS and the end ------------------------------------------------------------------------------------

    async def start_tls(self, context: ssl.SSLContext, *, announce: bytes = b"") -> None:
        """Begin TLS as the server; `announce` is the reply that lets the client begin.

        Whatever the client sent in plaintext behind its STARTTLS is dropped, so that nobody on the way can
        slip commands into the protected session. Pass the reply here rather than waiting between writing it
        and this call: by then the client's handshake could be among the octets dropped. Raises
        ConnectionLost.
        """
        transport = self._transport
        if transport is None or self._lost:
            raise ConnectionLost("closed by the client")
        self._flush()
        self._buffer.clear()
        self._reading_paused = False  # start_tls resumes reading
        if announce:
            transport.write(announce)
        try:
            upgraded = await self._loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_SECONDS,
                ssl_shutdown_timeout=CLOSE_TIMEOUT_SECONDS,
            )
        except OSError as error:  # covers ssl.SSLError, resets and time-outs
            self.abort()
            self.connection_lost(None)
            raise ConnectionLost("no TLS came about") from error
        if upgraded is None:
            raise ConnectionLost("closed by the client")
        self._adopt(upgraded)
        self.is_tls = True

    @property
    def is_compressed(self) -> bool:
        """Whether DEFLATE is active."""
        return self._compression is not None

    @property
    def has_line(self) -> bool:
        """Whether read_line would not wait: the client has sent another command without waiting for a reply."""
        return b"\n" in self._buffer

    @property
    def has_input(self) -> bool:
        """Whether the client has sent something that was not read yet."""
        return bool(self._buffer)

    def compress(self, *, announce: bytes) -> None:
        """Everything behind `announce` is compressed, both ways (RFC 4978). To be called with no input waiting.

        Never together with compression by TLS, which our contexts do not have.
        """
        self._gather(announce)
        self._send_gathered()
        self._compression = Compression()

    def end_compression(self, *, announce: bytes) -> None:
        """Nothing behind `announce` is compressed any more, either way. To be called with no input waiting."""
        if self._compression is not None:
            self._eof &= not self._compression.has_ended
            self._gather(self._compression.finish(announce))
            self._send_gathered()
            self._compression = None

    @property
    def end_points(self) -> tuple[bytes, ...]:
        """What channel binding binds to (RFC 5929); empty where nothing can be bound."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return end_points(tls)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is known to be gone in both directions."""
        return self._lost

    def probe_peer(self) -> None:
        """Have the kernel ask a silent client whether it is still there, and close where it is not."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def shut_down(self) -> None:
        """Let the next read that would have to wait raise ShuttingDown. Commands under way are finished."""
        self._shutting_down = True
        self._wake()

    async def close(self) -> None:
        """Send what was written, then close; waits a few seconds at most."""
        transport = self._transport
        if transport is None or self._lost:
            return
        self._flush()
        pending = bool(self._buffer) or self._reading_paused
        self._closed = True
        self._buffer.clear()
        if self._compression is not None:
            self._compression.drop_input()
        if pending and not self.is_tls and not self._eof and transport.can_write_eof():
            # Closing with unread input makes the kernel send a reset, which can overtake our last reply.
            transport.write_eof()
            if self._reading_paused:
                transport.resume_reading()
            try:
                await self._until_eof(self._loop.time() + LINGER_SECONDS)
            except (IdleTimeout, ConnectionLost):
                pass
        transport.close()
        await asyncio.sleep(0)  # where all was sent, and there is no TLS to be ended, that was it
        deadline = self._loop.time() + CLOSE_TIMEOUT_SECONDS
        while not self._lost and (left := deadline - self._loop.time()) > 0:
            await self._wait_for_writer(left)
        if not self._lost:
            transport.abort()

    async def _until_eof(self, deadline: float) -> None:
        self._shutting_down = self._reading_paused = False
        while not self._eof:
            await self._wait_for_input(deadline)

    def abort(self) -> None:
        """Close at once and drop what was to be sent."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()
