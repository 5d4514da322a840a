"""What follows DATA: its end and the transparent dots (RFC 5321 sections 4.1.1.4 and 4.5.2).

Only CRLF.CRLF ends the data (section 2.3.8). A bare CR or LF never does and is kept as it came: reading one
as a line end is what lets a message smuggle another one behind it.
"""

from typing import Final

_END: Final = b"\r\n.\r\n"


class MessageData:
    """Takes the octets after 354 in blocks of any cut; knows when they are over.

    Beyond max_octets nothing is kept, but the end is still looked for: the reply belongs there.
    """

    def __init__(self, *, max_octets: int) -> None:
        self._max_octets = max_octets
        # The CRLF of the DATA line is the one before a first line that is a dot alone.
        self._buffer = bytearray(b"\r\n")
        self.received_octets = 0
        self.is_too_big = False

    @property
    def held_octets(self) -> int:
        return len(self._buffer)

    def feed(self, block: bytes | bytearray) -> bytes | None:
        """The octets that came behind the end, or None while there is none."""
        buffer = self._buffer
        searched = max(0, len(buffer) - len(_END) + 1)
        buffer += block
        self.received_octets += len(block)
        end = buffer.find(_END, searched)
        if end >= 0:
            rest = bytes(buffer[end + len(_END) :])
            self.received_octets -= len(rest) + 3
            del buffer[end + 2 :]
        if self.received_octets > self._max_octets:
            self.discard()
        return rest if end >= 0 else None

    def discard(self) -> None:
        """Keeps no more than what the end is recognised by."""
        self.is_too_big = True
        del self._buffer[: -len(_END) + 1]

    def take(self) -> bytes:
        """The message, transparent dots removed; empty when it was too big. Once, after the end."""
        if self.is_too_big:
            return b""
        buffer, self._buffer = self._buffer, bytearray()
        # Octets that are not the end: every CRLF. in them is a line that begins with a transparent dot.
        if b"\r\n." in buffer:
            buffer = buffer.replace(b"\r\n.", b"\r\n")
        return bytes(memoryview(buffer)[2:])


def has_line_longer_than(octets: bytes, limit: int) -> bool:
    """limit: octets without the line end. Looks at one place per limit, not at each line."""
    position = 0
    while len(octets) - position > limit:
        newline = octets.rfind(b"\n", position, position + limit + 2)
        if newline < 0:
            return True
        position = newline + 1
    return False


def has_bare_line_end(octets: bytes) -> bool:
    """A CR that no LF follows, or an LF without CR before it (RFC 5321 section 2.3.8)."""
    pairs = octets.count(b"\r\n")
    return octets.count(b"\r") != pairs or octets.count(b"\n") != pairs
