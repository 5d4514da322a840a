"""The MIME structure of a message (RFC 2045, RFC 2046) as offsets into its octets, found in one pass.

Nothing is refused: what cannot be understood is a leaf. The time is linear in the octets, because every search
for a line that may be a delimiter, or for a blank line, goes on where the one before it ended.
"""

import enum
import re
from dataclasses import dataclass

from mailhost.protocols.message.delimiters import Delimiters, Search
from mailhost.protocols.message.header import Fields, read_fields
from mailhost.protocols.message.parameters import (
    MESSAGE_RFC822,
    OCTET_STREAM,
    TEXT_PLAIN,
    ContentType,
    parameter,
    parse_content_type,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these the message is stored and served all the same, its structure is only told less deeply."""

    depth: int = (
        101  # the message and 100 in it; real mail nests under 10, and each level costs clients recursion
    )
    parts: int = 1_002  # the message, 1,000 in it, and the rest as one; more are of no use to any client
    header_octets: int = 1 << 20  # per header; beyond it no fields are looked for
    header_fields: int = 10_000  # per header
    addresses: int = 20_000  # in all envelopes together: four octets of a header can become 180 of ENVELOPE
    address_octets: int = 500_000  # likewise: the worst lists take a microsecond an octet


LIMITS = Limits()


class Kind(enum.IntEnum):
    LEAF = 0
    MULTIPART = 1
    MESSAGE = 2


class Part:
    """One body part: its header is octets[header_start:body_start], its body octets[body_start:body_end].

    A multipart's children are its parts, a message/rfc822's only child is the message in it.
    """

    __slots__ = ("body_end", "body_start", "children", "content_type", "fields", "header_start", "kind")

    def __init__(
        self, kind: Kind, header_start: int, body_start: int, fields: Fields, content_type: ContentType
    ) -> None:
        self.kind = kind
        self.header_start = header_start
        self.body_start = body_start
        self.body_end = body_start
        self.fields = fields
        self.content_type = content_type
        self.children: list[Part] = []

    def field(self, name: bytes) -> bytes | None:
        values = self.fields.get(name)
        return values[0] if values else None

    @property
    def transfer_encoding(self) -> bytes:
        return (self.field(b"content-transfer-encoding") or b"7bit").lower()


def scan(octets: bytes, *, limits: Limits = LIMITS) -> Part:
    """The message's root part. Never raises, whatever the octets."""
    return _Scan(octets, limits).run()


def scan_header(octets: bytes, *, limits: Limits = LIMITS) -> Part:
    """The root part as scan() has it, without what is in it."""
    return _Scan(octets, limits).header()


def behind(added_octets: int, octets: bytes, root: Part) -> Part | None:
    """The structure of the message once so many octets stand in front of it: whole fields, none of header.WANTED.

    root: its structure as scan() told it. None where another scan is needed: it begins with no field, or its header is
    so long that limits might count.
    """
    if root.body_start + added_octets > SHORT_HEADER_OCTETS or _FIELD_BEGINS(octets) is None:
        return None
    copy = _moved(root, added_octets)
    copy.header_start = 0
    return copy


def _moved(part: Part, by: int) -> Part:
    copy = Part(part.kind, part.header_start + by, part.body_start + by, part.fields, part.content_type)
    copy.body_end = part.body_end + by
    copy.children = [_moved(child, by) for child in part.children]
    return copy


# The first line of a header: a field, a blank line, a stray continuation or the line of an mbox file.
_HEADER_BEGINS = re.compile(rb"[!-9;-~]++[ \t]*+:|[ \t\r\n]|>?From ").match
_FIELD_BEGINS = re.compile(rb"[!-9;-~]++[ \t]*+:").match
SHORT_HEADER_OCTETS = 30_000  # a field has three octets at least: within Limits.header_fields
_IDENTITY = frozenset((b"7bit", b"8bit", b"binary", b""))
_MESSAGE_TYPES = frozenset((b"message/rfc822", b"message/global"))  # RFC 9051 media-message


class _Scan:
    def __init__(self, octets: bytes, limits: Limits) -> None:
        self.octets = octets
        self.size = len(octets)
        self.limits = limits
        self.count = 0
        self.open: list[Part] = []
        self.blank_lines = [Search(octets, needle) for needle in (b"\n\r", b"\n\n", b"\r\r")]
        self.delimiters = Delimiters(octets)

    def run(self) -> Part:
        self._begin(0, TEXT_PLAIN)
        root = self.open[0]
        if self.delimiters:
            self._divide()
        self._end(0, self.size)
        return root

    def header(self) -> Part:
        root = self._part_at(0, TEXT_PLAIN)
        root.body_end = self.size
        return root

    def _divide(self) -> None:
        at = self.open[-1].body_start
        while self.delimiters and self.count < self.limits.parts:
            line = self.delimiters.next(at, self.size)
            if line is None:
                return
            before, at, place, is_last = line
            self._end(place + 1, before)
            content_type = self.open[place].content_type
            if is_last:
                self.delimiters.close(_boundary(content_type), place)
                continue
            is_digest = content_type.media_type == b"multipart/digest"  # RFC 2046 section 5.1.5
            self._begin(at, MESSAGE_RFC822 if is_digest else TEXT_PLAIN)
            at = self.open[-1].body_start

    def _begin(self, start: int, default: ContentType) -> None:
        while True:
            part = self._part_at(start, default)
            if self.open:
                self.open[-1].children.append(part)
            self.open.append(part)
            self.count += 1
            if part.kind is Kind.MULTIPART:
                self.delimiters.open(_boundary(part.content_type), len(self.open) - 1)
            if part.kind is not Kind.MESSAGE:
                return
            start, default = part.body_start, TEXT_PLAIN

    def _part_at(self, start: int, default: ContentType) -> Part:
        body_start = self._body_start(start)
        fields_end = min(body_start, start + self.limits.header_octets)
        fields = read_fields(self.octets, start, fields_end, max_fields=self.limits.header_fields)
        content_type: ContentType | None = None
        if b"content-type" in fields:
            content_type = parse_content_type(fields[b"content-type"][0]) or TEXT_PLAIN
        kind, content_type = self._kind(content_type or default, fields)
        return Part(kind, start, body_start, fields, content_type)

    def _kind(self, content_type: ContentType, fields: Fields) -> tuple[Kind, ContentType]:
        media_type = content_type.media_type
        if media_type.startswith(b"multipart/"):
            if not _boundary(content_type):
                return Kind.LEAF, TEXT_PLAIN  # nothing can be found in it; as text people at least see it
            kind = Kind.MULTIPART
        elif media_type in _MESSAGE_TYPES:
            encoding = fields.get(b"content-transfer-encoding")
            if encoding and encoding[0].lower() not in _IDENTITY:
                # RFC 2046 section 5.2.1 forbids it; as octets it can be saved, as a message it would be garbage.
                return Kind.LEAF, content_type._replace(
                    type=b"application", subtype=b"octet-stream", media_type=OCTET_STREAM.media_type
                )
            kind = Kind.MESSAGE
        else:
            return Kind.LEAF, content_type
        if len(self.open) + 1 >= self.limits.depth or self.count + 1 >= self.limits.parts:
            return Kind.LEAF, OCTET_STREAM
        return kind, content_type

    def _body_start(self, start: int) -> int:
        """Behind the header's blank line; at the first delimiter line where that comes before the blank line."""
        if start >= self.size or _HEADER_BEGINS(self.octets, start) is None:
            return start
        if self.octets[start] in b"\r\n":
            return self._behind_line_end(start)
        first = self.size
        for search in self.blank_lines:
            first = search.first(start, first)
        body_start = self._behind_line_end(first + 1) if first < self.size else self.size
        if self.delimiters:
            line = self.delimiters.next(start, body_start)
            if line is not None:
                return max(line.before, start)
        return body_start

    def _behind_line_end(self, at: int) -> int:
        return at + 2 if self.octets[at : at + 2] == b"\r\n" else at + 1

    def _end(self, place: int, at: int) -> None:
        """Ends the open parts from that place on; where that is before their body began, they are empty."""
        for index in range(len(self.open) - 1, place - 1, -1):
            if self.open[index].kind is Kind.MULTIPART:
                self.delimiters.close(_boundary(self.open[index].content_type), index)
        is_outermost = True
        for part in self.open[place:]:
            if is_outermost:
                at = max(at, part.header_start)
                is_outermost = False
            part.header_start = min(part.header_start, at)
            part.body_start = min(part.body_start, at)
            part.body_end = at
            if part.kind is Kind.MULTIPART and not part.children:
                # The grammar wants one part at least (RFC 9051 body-type-mpart): all that is there, as text.
                whole = Part(Kind.LEAF, part.body_start, part.body_start, {}, TEXT_PLAIN)
                whole.body_end = at
                part.children.append(whole)
        del self.open[place:]


def _boundary(content_type: ContentType) -> bytes:
    return (parameter(content_type.parameters, b"boundary") or b"").rstrip(b" \t")
