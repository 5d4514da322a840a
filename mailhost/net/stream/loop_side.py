"""A connection as the event loop sees it: what comes in, what is over, and who is woken by it."""

import asyncio
from typing import cast

from mailhost.net.compression import BrokenStream, Compression
from mailhost.net.peer_addresses import is_loopback_address, plain_address
from mailhost.net.stream.bounds import READ_HIGH_WATER, WRITE_HIGH_WATER


class LoopSide(asyncio.Protocol):
    """The state of a connection, and what the loop calls. One session alone waits on it."""

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

    def abort(self) -> None:
        """Close at once and drop what was to be sent."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()
