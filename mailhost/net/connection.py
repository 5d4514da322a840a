"""The byte stream of a line protocol (IMAP, POP3) over TCP or TLS, with every buffer bounded.

One object and no task of its own for each connection; nothing is allocated while it is idle. TLS is begun
with `loop.start_tls`, after which nothing that came in plaintext is left (RFC 2595 section 2.1, RFC 3501
section 6.2.1). How it reads and writes is in mailhost/net/stream/.
"""

import asyncio
import socket
import ssl

from mailhost.net.compression import Compression
from mailhost.net.stream.bounds import CLOSE_TIMEOUT_SECONDS, HANDSHAKE_TIMEOUT_SECONDS, LINGER_SECONDS
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout
from mailhost.net.stream.reading_side import ReadingSide
from mailhost.net.tls import end_points

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


class Connection(ReadingSide):
    """See the module. `peer` and `local` are IP addresses as text; `is_loopback` is about the peer."""

    __slots__ = ()

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
