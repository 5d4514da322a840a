"""Where each part of a stored message lies, packed: FETCH slices sections by it (RFC 9051 section 6.4.5.1)."""

import struct
from dataclasses import dataclass
from typing import Literal

from mailhost.protocols.message.scanner import Kind, Part

# kind and number of children, header start, body start, body end; parts in preorder. 16 octets a part.
_RECORD = struct.Struct("<IIII")

SectionText = Literal["", "MIME", "HEADER", "TEXT"]


@dataclass(frozen=True, slots=True)
class PartOffsets:
    """Its header is octets[header_start:body_start] with its blank line, its body octets[body_start:body_end]."""

    kind: Kind
    header_start: int
    body_start: int
    body_end: int
    children: tuple["PartOffsets", ...]

    @property
    def message(self) -> "PartOffsets | None":
        """The message in a message/rfc822 part, for BODY[n.HEADER] and BODY[n.TEXT]."""
        return self.children[0] if self.kind is Kind.MESSAGE else None


def pack_parts(root: Part) -> bytes:
    records: list[bytes] = []
    waiting = [root]
    while waiting:
        part = waiting.pop()
        kind_and_count = part.kind | len(part.children) << 2
        records.append(_RECORD.pack(kind_and_count, part.header_start, part.body_start, part.body_end))
        waiting.extend(reversed(part.children))
    return b"".join(records)


class PartMap:
    def __init__(self, root: PartOffsets) -> None:
        self.root = root

    @classmethod
    def unpack(cls, parts: bytes) -> "PartMap":
        """From `pack_parts`; that is our own column, so octets of another make raise ValueError."""
        if not parts or len(parts) % _RECORD.size:
            raise ValueError("These are no packed part offsets.")
        # Backwards through the preorder every part's children are ready, the first one on top.
        ready: list[PartOffsets] = []
        for kind_and_count, header_start, body_start, body_end in reversed(list(_RECORD.iter_unpack(parts))):
            count = kind_and_count >> 2
            if count > len(ready):
                raise ValueError("These are no packed part offsets.")
            children = tuple(ready[: -count - 1 : -1]) if count else ()
            del ready[len(ready) - count :]
            ready.append(PartOffsets(Kind(kind_and_count & 3), header_start, body_start, body_end, children))
        return cls(ready[-1])

    def find(self, section: tuple[int, ...]) -> PartOffsets | None:
        """The part of a section number; () is the message itself. None where there is no such part."""
        if not section:
            return self.root
        part = _of_message(self.root, section[0])
        for number in section[1:]:
            if part is None:
                return None
            is_message = part.kind is Kind.MESSAGE
            part = _of_message(part.children[0], number) if is_message else _child(part, number)
        return part

    def span(self, section: tuple[int, ...], text: SectionText = "") -> tuple[int, int] | None:
        """(start, end) of BODY[section.text] in the octets; None where the section does not exist.

        BODY[] is ((), ""), BODY[2.MIME] is ((2,), "MIME"). HEADER and TEXT of a part are those of the message
        in it, so there are none in a part that is not message/rfc822.
        """
        part = self.find(section)
        if part is None:
            return None
        if text == "MIME":
            return (part.header_start, part.body_start) if section else None
        if not text:
            return (part.body_start if section else part.header_start), part.body_end
        message = part.message if section else part
        if message is None:
            return None
        if text == "HEADER":
            return message.header_start, message.body_start
        return message.body_start, message.body_end


def _of_message(message: PartOffsets, number: int) -> PartOffsets | None:
    """Every message has a part 1, itself where it is not multipart (RFC 9051 section 6.4.5.1)."""
    if message.kind is Kind.MULTIPART:
        return _child(message, number)
    return message if number == 1 else None


def _child(part: PartOffsets, number: int) -> PartOffsets | None:
    if part.kind is not Kind.MULTIPART or not 1 <= number <= len(part.children):
        return None
    return part.children[number - 1]
