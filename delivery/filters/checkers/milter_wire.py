"""One connection to a milter: packets out, answers in, with what it may say bounded."""

import asyncio
from collections import deque
from typing import Final

from mailhost.net.outside import Extend
from mailhost.protocols.milter.answers import Answer, Word, parse_answer
from mailhost.protocols.milter.packets import MilterSyntaxError, Packet, PacketReader

MAX_PROGRESS: Final = 1_000  # a milter that says it every second is within any deadline long before
_BLOCK_OCTETS: Final = 64 * 1024


class MilterWire:
    """extend: called when the milter says that it is at work."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, extend: Extend) -> None:
        self._reader = reader
        self._writer = writer
        self._extend = extend
        self._packets = PacketReader()
        self._waiting: deque[Packet] = deque()
        self._progress = 0

    async def send(self, *packets: Packet) -> None:
        """All of them, once they have left. Raises OSError."""
        for packet in packets:
            self._writer.write(packet.encode())
        await self._writer.drain()

    async def packet(self) -> Packet:
        """The next packet. Raises MilterSyntaxError, EOFError, OSError."""
        while not self._waiting:
            octets = await self._reader.read(_BLOCK_OCTETS)
            if not octets:
                raise EOFError
            self._waiting.extend(self._packets.feed(octets))
        return self._waiting.popleft()

    async def answer(self) -> Answer:
        """The next answer that is more than progress; raises as packet does."""
        while True:
            answer = parse_answer(await self.packet())
            if answer is not Word.PROGRESS:
                return answer
            self._progress += 1
            if self._progress > MAX_PROGRESS:
                raise MilterSyntaxError("It says too often that it is at work.")
            self._extend()
