"""What a session reads: a line, so many octets, or the news that there is something to be read."""

import asyncio
import io
from collections.abc import AsyncIterator

from mailhost.net.stream.bounds import DISCARD_LIMIT, READ_HIGH_WATER
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout, LineTooLong, ShuttingDown
from mailhost.net.stream.writing_side import WritingSide


class ReadingSide(WritingSide):
    """Every read is bounded in octets and time. What was written goes out before one waits."""

    __slots__ = ()

    @property
    def has_line(self) -> bool:
        """Whether read_line would not wait: the client has sent another command without waiting for a reply."""
        return b"\n" in self._buffer

    @property
    def has_input(self) -> bool:
        """Whether the client has sent something that was not read yet."""
        return bool(self._buffer)

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
