"""A message that is asked whether it matches a search: what it says, decoded once for all keys."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cached_property

from mailboxes.store.fetch import fetch_headers
from mailboxes.store.search_text import WINDOW_OCTETS, Field, bodies, headers, parts_of, read_fields
from mailhost.protocols.message.header import header_fields
from mailhost.protocols.message.scanner import Part

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The date in a Date field (RFC 5322 section 3.3), years of two and three digits as in section 4.3.
_DATE = re.compile(rb"(\d{1,2})\s+(" + "|".join(_MONTHS).encode() + rb")[a-z]*\s+(\d{2,4})", re.IGNORECASE)


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

    def forget(self) -> None:
        """Let go of what was read."""
        self.header, self.octets = None, b""
        for name in ("_fields", "_parts", "_headers", "_short_bodies"):
            self.__dict__.pop(name, None)

    def field_values(self, name: str) -> list[str]:
        """The values of the fields of that name."""
        name = name.lower()
        return [field.value for field in self._fields if field.name == name]

    def headers(self) -> Iterable[str]:
        """The message's header, and those of its parts and of messages in it."""
        return self._headers

    def bodies(self, *, overlap: int) -> Iterable[str]:
        """Its text parts; a large one in stretches that overlap by so many characters, and not kept."""
        if self.size_octets <= WINDOW_OCTETS:
            return self._short_bodies
        return bodies(self.octets, self._parts, overlap=overlap)

    @cached_property
    def _fields(self) -> list[Field]:
        return read_fields(self.header or b"")

    @cached_property
    def _parts(self) -> list[Part]:
        return parts_of(self.octets)

    @cached_property
    def _headers(self) -> list[str]:
        return list(headers(self.octets, self._parts))

    @cached_property
    def _short_bodies(self) -> list[str]:
        return list(bodies(self.octets, self._parts, overlap=0))

    def sent_on(self) -> date | None:
        """The date as the sender wrote it; the column in UTC where that cannot be read."""
        if self.sent_at is None:
            return None
        if self.header is None:
            rows = fetch_headers(mailbox_id=self.mailbox_id, uids=[self.uid])
            self.header = rows[0][1] if rows else b""
        for field in _raw_fields(self.header, "date"):
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


def _raw_fields(header: bytes, name: str) -> list[bytes]:
    """The fields of that name, each with its folded lines."""
    picked = header_fields(header, [name]).rstrip(b"\r\n")
    return re.split(rb"\r?\n(?![ \t])", picked) if picked else []
