"""The byte stream of an SMTP session, on aiosmtpd's protocol class; the only module that imports aiosmtpd.

SMTP.__init__ looks through its own methods for every connection, and what SMTP does with the stream (a timer and a
flush for each reply, DATA line by line, TLS of asyncio's own) is where its time goes. So this subclass keeps its place
between transport and StreamReader and reads the reader's buffer itself: `_buffer`, `_eof`, `_wait_for_data` and
`_wakeup_waiter` are private, which is why a test pins aiosmtpd and Python's StreamReader to what is used here.
"""

import asyncio
import math
import ssl
import sys
from typing import cast

from aiosmtpd.smtp import SMTP

from mailhost.net.peer_addresses import is_loopback_address, plain_address
from mailhost.net.stream.bounds import (
    CLOSE_TIMEOUT_SECONDS,
    DISCARD_LIMIT,
    HANDSHAKE_TIMEOUT_SECONDS,
    LINGER_SECONDS,
    READ_HIGH_WATER,
    WRITE_TIMEOUT_SECONDS,
)
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout, LineTooLong, ShuttingDown


class SmtpConnection(SMTP):
    """`peer` is an IP address as text. Made in a running loop."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=READ_HIGH_WATER // 2, loop=loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.is_loopback = self.is_tls = False
        self._is_timed_out = self._is_shutting_down = self._is_closing = False
        self._deadline = math.inf  # of the read that waits now
        self._timer: asyncio.TimerHandle | None = (
            None  # runs on while commands come in, and looks at the deadline
        )
        self._is_lost = self._is_writing_paused = False
        self._write_waiter: asyncio.Future[None] | None = None  # waits for room to write, or the end

    # --- what the loop calls ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands; with implicit TLS its handshake is done."""
        asyncio.StreamReaderProtocol.connection_made(self, transport)
        self.transport = cast(asyncio.Transport, transport)
        self.peer = plain_address(transport.get_extra_info("peername")[0])
        self.is_loopback = is_loopback_address(self.peer)
        self.is_tls = transport.get_extra_info("ssl_object") is not None

    def data_received(self, data: bytes) -> None:
        """Octets came in."""
        if not self._is_closing:  # else lingering: the rest is of no interest
            self._reader.feed_data(data)

    def eof_received(self) -> bool:
        """The client sends nothing more; over plain TCP it may still read replies (`printf … | nc`)."""
        self._reader.feed_eof()
        return not self.is_tls

    def connection_lost(self, error: Exception | None) -> None:
        """All is over. Commands already received still run: the client did send them."""
        asyncio.StreamReaderProtocol.connection_lost(self, None)
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._wake_writer()

    def pause_writing(self) -> None:
        """Too much is on its way out."""
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._is_writing_paused = False
        self._wake_writer()

    def _wake_writer(self) -> None:
        if self._write_waiter is not None and not self._write_waiter.done():
            self._write_waiter.set_result(None)

    # --- reading ------------------------------------------------------------------------------------------------

    async def read_line(self, *, limit: int, timeout: float) -> bytes:
        """The next line without its line end, at most `limit` octets with it.

        A bare LF ends a command too, as people type; in DATA it never does. Raises LineTooLong (all of it is read
        then), ConnectionLost (ShuttingDown), IdleTimeout after `timeout` seconds for the whole line.
        """
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        deadline = self.loop.time() + timeout
        scanned = dropped = 0
        while (end := buffer.find(b"\n", scanned)) < 0:
            scanned = len(buffer)
            if scanned >= limit:
                dropped += scanned
                scanned = 0
                buffer.clear()
                if dropped > DISCARD_LIMIT:
                    self.abort()
                    raise ConnectionLost("an endless line")
            await self._wait_for_input(deadline)
        line = bytes(buffer[:end]).removesuffix(b"\r")
        del buffer[: end + 1]
        if dropped or end >= limit:
            raise LineTooLong(f"more than {limit} octets")
        return line

    async def read_block(self, *, timeout: float, limit: int = sys.maxsize) -> bytes:
        """What there is, at least one octet and at most so many. Raises as read_line does."""
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        if not buffer:
            await self._wait_for_input(self.loop.time() + timeout)
        if len(buffer) > limit:
            block = bytes(memoryview(buffer)[:limit])
            del buffer[:limit]
        else:
            block = bytes(buffer)
            buffer.clear()
        return block

    async def has_spoken(self) -> bool:
        """Whether the client has said anything that nobody has read."""
        await asyncio.sleep(0)  # the loop looks at the socket
        return bool(self._reader._buffer)  # type: ignore[attr-defined]

    async def speaks_within(self, seconds: float) -> bool:
        """Whether the client says anything in that time. Raises ConnectionLost."""
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        if not buffer:
            try:
                await self._wait_for_input(self.loop.time() + seconds)
            except IdleTimeout:
                self._is_timed_out = False
        return bool(buffer)

    def put_back(self, octets: bytes) -> None:
        """What read_block gave and belongs to the next command; before anything else is read."""
        self._reader._buffer[:0] = octets  # type: ignore[attr-defined]

    async def _wait_for_input(self, deadline: float) -> None:
        if self._reader._eof:  # type: ignore[attr-defined]
            raise ConnectionLost("closed by the client")
        if self._is_shutting_down:
            raise ShuttingDown("this process ends")
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._set_timer()
        await self._reader._wait_for_data("read")  # type: ignore[attr-defined]
        self._deadline = math.inf
        if self._is_timed_out:
            raise IdleTimeout

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._deadline, self._time_out)

    def _time_out(self) -> None:
        self._timer = None
        if self._deadline > self.loop.time():
            if self._deadline < math.inf:  # nobody waits now: the next wait sets it again
                self._set_timer()
            return
        self._is_timed_out = True
        self._reader._wakeup_waiter()  # type: ignore[attr-defined]

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Send without waiting; call drain() after every reply."""
        if self.transport is not None and not self._is_lost:
            self.transport.write(octets)

    async def drain(self) -> None:
        """Wait until the client has taken enough. Raises ConnectionLost, also when it takes nothing any more."""
        if self._is_writing_paused and not self._is_lost:
            await self._wait_for_writer(WRITE_TIMEOUT_SECONDS)
            if self._is_writing_paused:
                self.abort()
        if self._is_lost or self._is_closing:
            raise ConnectionLost("closed by the client, or it takes nothing")

    async def _wait_for_writer(self, seconds: float) -> None:
        waiter = self._write_waiter = self.loop.create_future()
        timer = self.loop.call_later(seconds, self._wake_writer)
        try:
            await waiter
        finally:
            timer.cancel()
            self._write_waiter = None

    @property
    def local(self) -> str:
        """The address of this host that the client came to."""
        return plain_address(self.transport.get_extra_info("sockname")[0]) if self.transport else ""

    # --- TLS and the end ----------------------------------------------------------------------------------------

    async def start_tls(self, context: ssl.SSLContext, *, announce: bytes) -> None:
        """Write `announce` and begin TLS as the server. Raises ConnectionLost.

        What the client sent in plaintext behind its STARTTLS is dropped (RFC 3207 section 4.2), so that nobody on
        the way can slip commands into the protected session.
        """
        transport = self.transport
        if transport is None or self._is_lost:
            raise ConnectionLost("closed by the client")
        self._reader._buffer.clear()  # type: ignore[attr-defined]
        self._reader._maybe_resume_transport()  # type: ignore[attr-defined]
        transport.write(announce)
        try:
            upgraded = await self.loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_SECONDS,
                ssl_shutdown_timeout=CLOSE_TIMEOUT_SECONDS,
            )
        except OSError as error:  # covers ssl.SSLError, resets and time-outs
            self.abort()
            raise ConnectionLost("no TLS came about") from error
        if upgraded is None:
            raise ConnectionLost("closed by the client")
        self.transport = upgraded
        self._transport = upgraded
        self._reader._transport = upgraded  # type: ignore[attr-defined]
        self.is_tls = True

    @property
    def tls(self) -> tuple[str, str]:
        """(version, cipher suite) such as ("TLSv1.3", "TLS_AES_256_GCM_SHA384"); empty without TLS."""
        tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        if tls is None:
            return "", ""
        cipher = tls.cipher()
        return tls.version() or "", cipher[0] if cipher else ""

    def shut_down(self) -> None:
        """Let the next read that would have to wait raise ShuttingDown. Commands under way are finished."""
        self._is_shutting_down = True
        self._reader._wakeup_waiter()  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Send what was written, then close; waits a few seconds at most."""
        transport = self.transport
        if transport is None or self._is_lost:
            return
        reader = self._reader
        is_owed_a_reply = not self._is_closing and (reader._buffer or reader._paused)  # type: ignore[attr-defined]
        self._is_closing = True
        if is_owed_a_reply and not self.is_tls and not reader._eof and transport.can_write_eof():  # type: ignore[attr-defined]
            # Closing with unread input makes the kernel send a reset, which can overtake our last reply.
            transport.write_eof()
            reader._buffer.clear()  # type: ignore[attr-defined]
            timer = self.loop.call_later(LINGER_SECONDS, reader._wakeup_waiter)  # type: ignore[attr-defined]
            await reader._wait_for_data("close")  # type: ignore[attr-defined]
            timer.cancel()
        transport.close()
        # Idle clients answer no close_notify: they are not waited for when the process ends.
        deadline = self.loop.time() + (LINGER_SECONDS if self._is_shutting_down else CLOSE_TIMEOUT_SECONDS)
        while not self._is_lost and (left := deadline - self.loop.time()) > 0:
            await self._wait_for_writer(left)
        if not self._is_lost:
            transport.abort()

    def abort(self) -> None:
        """Close at once and drop what was to be sent."""
        self._is_closing = True
        if self.transport is not None:
            self.transport.abort()
