"""Search keys as predicates over one message: headers and text parts decoded, compared caselessly."""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import cached_property
from typing import Any

from mailboxes.store.fetch import fetch_headers
from mailboxes.store.search_conditions import FLAG_BITS
from mailhost.protocols.imap.search_keys import (
    And,
    Comparison,
    Everything,
    HasFlag,
    HasKeyword,
    HeaderHolds,
    InternalDateIs,
    Not,
    Or,
    SearchKey,
    SentDateIs,
    SizeIs,
    TextHolds,
    TextScope,
    Uids,
)
from mailhost.protocols.message.header import header_fields, unfold
from mailhost.protocols.message.scanner import Kind, Part, scan
from mailhost.protocols.message.text import codec_of, decode_charset, decode_transfer, decode_words

WINDOW_OCTETS = 1 << 20  # of a text part that is decoded and folded at once: folding takes several times that

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The date in a Date field (RFC 5322 section 3.3), years of two and three digits as in section 4.3.
_DATE = re.compile(rb"(\d{1,2})\s+(" + "|".join(_MONTHS).encode() + rb")[a-z]*\s+(\d{2,4})", re.IGNORECASE)


class Needs(IntEnum):
    """What has to be read of each candidate."""

    COLUMNS = 0
    HEADER = 1
    OCTETS = 2


class Candidate:
    """One message that may match. `header` and `octets` are read before where the key needs them."""

    def __init__(
        self,
        mailbox_id: int,
        uid: int,
        flags: int,
        keywords: list[str],
        internal_date: datetime,
        size_octets: int,
        sent_at: datetime | None,
        header_octets: int,
    ) -> None:
        self.mailbox_id = mailbox_id
        self.uid = uid
        self.flags = flags
        self.keywords = {keyword.lower() for keyword in keywords}
        self.internal_date = internal_date
        self.size_octets = size_octets
        self.sent_at = sent_at
        self.header_octets = header_octets
        self.header: bytes | None = None
        self.octets: bytes = b""

    def forget(self) -> None:
        """Let go of what was read."""
        self.header, self.octets = None, b""
        self.__dict__.pop("root", None)

    @cached_property
    def root(self) -> Part:
        return scan(self.octets)

    def field_values(self, name: str) -> Iterator[str]:
        """The field's values, decoded and folded for comparing."""
        for field in _fields(self.header or b"", name):
            yield fold(decode_words(unfold(field.partition(b":")[2])))

    def sent_on(self) -> date | None:
        """The date as the sender wrote it; the column in UTC where that cannot be read."""
        if self.sent_at is None:
            return None
        header = self.header
        if header is None:
            rows = fetch_headers(mailbox_id=self.mailbox_id, uids=[self.uid])
            header = self.header = rows[0][1] if rows else b""
        for field in _fields(header, "date"):
            match = _DATE.search(field)
            if match is None:
                continue
            year = int(match[3])
            if len(match[3]) < 4:
                year += 2000 if year < 50 and len(match[3]) == 2 else 1900
            try:
                return date(year, _MONTHS.index(match[2].lower().decode()) + 1, int(match[1]))
            except ValueError:
                break
        return self.sent_at.astimezone(UTC).date()


Predicate = Callable[[Candidate], bool]


def compile_predicate(key: SearchKey) -> tuple[Predicate, Needs]:
    """The predicate, and what it needs. In AND and OR what is cheap is looked at first."""
    match key:
        case Not(inner):
            predicate, needs = compile_predicate(inner)
            return (lambda message: not predicate(message)), needs
        case And(keys) | Or(keys):
            compiled = sorted((compile_predicate(each) for each in keys), key=lambda pair: pair[1])
            predicates = [predicate for predicate, _ in compiled]
            combine = all if isinstance(key, And) else any
            return (lambda message: combine(each(message) for each in predicates)), compiled[-1][1]
        case TextHolds(scope, text):
            return _text(scope, fold(text)), Needs.OCTETS
        case HeaderHolds(field, text):
            return _header(field, fold(text)), Needs.HEADER
        case _:
            return _COLUMN_PREDICATES[type(key)](key), Needs.COLUMNS


def fold(text: str) -> str:
    """For caseless comparison: case folding, then composed again, so that é equals e with an accent."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _fields(header: bytes, name: str) -> list[bytes]:
    """The fields of that name, each with its folded lines."""
    picked = header_fields(header, [name]).rstrip(b"\r\n")
    return re.split(rb"\r?\n(?![ \t])", picked) if picked else []


def _header(name: str, text: str) -> Predicate:
    return lambda message: any(text in value for value in message.field_values(name))


def _text(scope: TextScope, text: str) -> Predicate:
    def holds(message: Candidate) -> bool:
        if scope is TextScope.TEXT and text in fold(decode_words(_unfolded(message.header or b""))):
            return True
        return any(_part_holds(message.octets, part, text, scope) for part in _parts(message.root))

    return holds


def _unfolded(header: bytes) -> bytes:
    return re.sub(rb"\r?\n(?=[ \t])", b"", header)


def _parts(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.children))


def _part_holds(octets: bytes, part: Part, text: str, scope: TextScope) -> bool:
    if scope is TextScope.TEXT and part.header_start:
        header = octets[part.header_start : part.body_start]
        if text in fold(decode_words(_unfolded(header))):
            return True
    if part.kind is not Kind.LEAF or part.content_type.type.lower() != b"text":
        return False
    body = decode_transfer(octets[part.body_start : part.body_end], part.transfer_encoding)
    charset = next((value for key, value in part.content_type.parameters if key.lower() == b"charset"), None)
    if len(body) <= WINDOW_OCTETS:
        return text in fold(decode_charset(body, charset))
    return any(text in window for window in _windows(body, charset, overlap=2 * len(text) + 16))


def _windows(body: bytes, charset: bytes | None, *, overlap: int) -> Iterator[str]:
    """A large text in pieces that overlap, folded."""
    codec = codec_of(charset[:64].decode("ascii", "replace")) if charset else None
    decoder = codecs.getincrementaldecoder(codec or "utf-8")("replace")
    tail = ""
    for start in range(0, len(body), WINDOW_OCTETS):
        window = tail + decoder.decode(body[start : start + WINDOW_OCTETS])
        yield fold(window)
        tail = window[-overlap:]


def _internal_date(key: InternalDateIs) -> Predicate:
    compare = _COMPARE[key.comparison]
    return lambda message: compare(message.internal_date.astimezone(UTC).date(), key.day)


def _sent_date(key: SentDateIs) -> Predicate:
    compare = _COMPARE[key.comparison]
    day, a_day = key.day, timedelta(days=1)

    def holds(message: Candidate) -> bool:
        if message.sent_at is None:
            return False
        in_utc = message.sent_at.astimezone(UTC).date()
        if abs(in_utc - day) > a_day:  # whatever zone the sender was in
            return compare(in_utc, day)
        written = message.sent_on()
        return written is not None and compare(written, day)

    return holds


def _uids(key: Uids) -> Predicate:
    return lambda message: any(low <= message.uid < high for low, high in key.ranges)


def _size(key: SizeIs) -> Predicate:
    if key.is_larger:
        return lambda message: message.size_octets > key.octets
    return lambda message: message.size_octets < key.octets


_COMPARE: dict[Comparison, Callable[[date, date], bool]] = {
    Comparison.BEFORE: lambda day, other: day < other,
    Comparison.ON: lambda day, other: day == other,
    Comparison.SINCE: lambda day, other: day >= other,
}
_COLUMN_PREDICATES: dict[type[SearchKey], Callable[[Any], Predicate]] = {
    Everything: lambda key: lambda message: True,
    HasFlag: lambda key: lambda message: bool(message.flags & FLAG_BITS[key.flag]),
    HasKeyword: lambda key: lambda message: key.keyword.lower() in message.keywords,
    SizeIs: _size,
    Uids: _uids,
    InternalDateIs: _internal_date,
    SentDateIs: _sent_date,
}
