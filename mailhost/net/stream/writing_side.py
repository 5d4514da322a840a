"""What a session writes: gathered, compressed where that was agreed on, and never more than the client takes."""

from mailhost.net.stream.bounds import WRITE_TIMEOUT_SECONDS, WRITTEN_TOGETHER
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.net.stream.loop_side import LoopSide


class WritingSide(LoopSide):
    """write() and send() for octets, drain() where a client is slow."""

    __slots__ = ("_unsent", "_unsent_octets")

    def __init__(self) -> None:
        super().__init__()
        self._unsent: list[bytes] = []
        self._unsent_octets = 0

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
