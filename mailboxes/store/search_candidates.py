"""A message that may match a search: what it says, decoded once and folded for caseless comparison."""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import cached_property

from mailboxes.store import structure
from mailboxes.store.fetch import fetch_headers
from mailhost.protocols.message.header import header_fields, unfold
from mailhost.protocols.message.scanner import Kind, Part, scan
from mailhost.protocols.message.text import codec_of, decode_charset, decode_transfer, decode_words

WINDOW_OCTETS = 1 << 20  # of a text part that is decoded and folded at once: folding takes several times that

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The date in a Date field (RFC 5322 section 3.3), years of two and three digits as in section 4.3.
_DATE = re.compile(rb"(\d{1,2})\s+(" + "|".join(_MONTHS).encode() + rb")[a-z]*\s+(\d{2,4})", re.IGNORECASE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


class Candidate:
    """One message that may match. `header` and `octets` are read before where the key needs them.

    What was decoded is kept until forget(), as a key may ask the same of a message a thousand times.
    """

    def __init__(
        self,
        mailbox_id: int,
        uid: int,
        flags: int,
        keywords: list[str],
        internal_date: datetime,
        saved_at: datetime,
        modseq: int,
        content_id: int,
        size_octets: int,
        sent_at: datetime | None,
        header_octets: int,
    ) -> None:
        self.mailbox_id = mailbox_id
        self.uid = uid
        self.flags = flags
        self.keywords = {keyword.lower() for keyword in keywords}
        self.internal_date = internal_date
        self.saved_at = saved_at
        self.modseq = modseq
        self.content_id = content_id
        self.size_octets = size_octets
        self.sent_at = sent_at
        self.header_octets = header_octets
        self.header: bytes | None = None
        self.octets: bytes = b""
        self._fields: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Let go of what was read."""
        self.header, self.octets = None, b""
        self._fields.clear()
        for name in ("_root", "_headers", "_short_bodies"):
            self.__dict__.pop(name, None)

    def field_values(self, name: str) -> list[str]:
        """The field's values."""
        name = name.lower()
        if name not in self._fields:
            self._fields[name] = [
                fold(decode_words(unfold(field.partition(b":")[2])))
                for field in _fields(self.header or b"", name)
            ]
        return self._fields[name]

    def headers(self) -> Iterable[str]:
        """The message's header, and those of its parts and of messages in it."""
        return self._headers

    def bodies(self, *, overlap: int) -> Iterable[str]:
        """Its text parts; a large one in windows that overlap by so many characters, and not kept."""
        if self.size_octets <= WINDOW_OCTETS:
            return self._short_bodies
        return self._read_bodies(overlap)

    @cached_property
    def _root(self) -> Part:
        return scan(self.octets, limits=structure.limits())

    @cached_property
    def _headers(self) -> list[str]:
        pieces = (self.octets[part.header_start : part.body_start] for part in _parts(self._root))
        return [fold(decode_words(_FOLD.sub(b"", piece))) for piece in pieces if piece]

    @cached_property
    def _short_bodies(self) -> list[str]:
        return list(self._read_bodies(0))

    def _read_bodies(self, overlap: int) -> Iterator[str]:
        for part in _parts(self._root):
            if part.kind is Kind.LEAF and part.content_type.type.lower() == b"text":
                body = self.octets[part.body_start : part.body_end]
                yield from _windows(decode_transfer(body, part.transfer_encoding), _charset(part), overlap)

    def sent_on(self) -> date | None:
        """The date as the sender wrote it; the column in UTC where that cannot be read."""
        if self.sent_at is None:
            return None
        if self.header is None:
            rows = fetch_headers(mailbox_id=self.mailbox_id, uids=[self.uid])
            self.header = rows[0][1] if rows else b""
        for field in _fields(self.header, "date"):
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


def fold(text: str) -> str:
    """For caseless comparison: case folding, then composed again, so that é equals e with an accent."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _fields(header: bytes, name: str) -> list[bytes]:
    """The fields of that name, each with its folded lines."""
    picked = header_fields(header, [name]).rstrip(b"\r\n")
    return re.split(rb"\r?\n(?![ \t])", picked) if picked else []


def _parts(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.children))


def _charset(part: Part) -> bytes | None:
    return next((value for key, value in part.content_type.parameters if key.lower() == b"charset"), None)


def _windows(body: bytes, charset: bytes | None, overlap: int) -> Iterator[str]:
    if len(body) <= WINDOW_OCTETS:
        yield fold(decode_charset(body, charset))
        return
    codec = codec_of(charset[:64].decode("ascii", "replace")) if charset else None
    decoder = codecs.getincrementaldecoder(codec or "utf-8")("replace")
    tail = ""
    for start in range(0, len(body), WINDOW_OCTETS):
        window = tail + decoder.decode(body[start : start + WINDOW_OCTETS])
        yield fold(window)
        tail = window[-overlap:]
