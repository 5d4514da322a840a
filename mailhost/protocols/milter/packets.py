"""The packets of the milter protocol: four octets of length, a letter, what belongs to it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# What may be sent without more being agreed on (MILTER_CHUNK_SIZE, MILTER_MAX_DATA_SIZE), its letter besides.
MAX_CHUNK_OCTETS: Final = 65_535
MAX_PACKET_OCTETS: Final = 65_536
_LENGTH: Final = struct.Struct("!I")


class MilterSyntaxError(ValueError):
    """What the milter said is not in its protocol. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Packet:
    """letter: the command or the answer, as one octet."""

    letter: bytes
    content: bytes = b""

    def encode(self) -> bytes:
        """As it goes on the wire."""
        return _LENGTH.pack(len(self.content) + 1) + self.letter + self.content


class PacketReader:
    """Octets in, packets out. What it holds is bounded by one packet and one block of what is fed."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> Iterator[Packet]:
        """Every packet that is whole now, to be taken before more is fed. Raises MilterSyntaxError."""
        self._buffer += octets
        position = 0
        try:
            while len(self._buffer) - position >= _LENGTH.size:
                length = int(_LENGTH.unpack_from(self._buffer, position)[0])
                if not 1 <= length <= MAX_PACKET_OCTETS:
                    raise MilterSyntaxError(f"It announces a packet of {length} octets.")
                start = position + _LENGTH.size
                if len(self._buffer) < start + length:
                    break
                content = bytes(self._buffer[start : start + length])
                position = start + length
                yield Packet(content[:1], content[1:])
        finally:
            del self._buffer[:position]


def strings(content: bytes, *, count: int) -> list[bytes]:
    """So many strings that end in NUL, and nothing else. Raises MilterSyntaxError."""
    found = content.split(b"\0")
    if len(found) != count + 1 or found[-1]:
        raise MilterSyntaxError(f"A packet has other than {count} strings.")
    return found[:-1]
