"""What the sender was told: the notice behind a step of the trace, as long as it is kept anywhere.

The step names the notice's content by a number at the end of our own words. Where the sender has deleted it, or another
host has taken it and the queue has forgotten it, it is gone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from delivery.models.trace import Event
from delivery.trace.asking import Scope
from delivery.trace.searching import Found
from mailhost.net.database import cursor
from mailhost.protocols.dsn import SUBJECT_LINE
from mailhost.protocols.dsn_reading import STATUS_TYPES
from mailhost.protocols.message.leaves import first_text
from mailhost.protocols.message.scanner import scan
from mailhost.protocols.report_fields import LIMITS, own_parts, text_of

MAX_NOTICES: Final = 20  # of one message that are opened
MAX_OCTETS: Final = 256 << 10  # of one: its words and its report stand in front of what it gives back
TELLING: Final = frozenset((Event.REPORTED, Event.UNTOLD))
_NUMBER: Final = re.compile(r" \(notice N([1-9][0-9]{0,17})\)\Z")
READ: Final = b"""
SELECT id, substring(octets FROM 1 FOR %s) FROM mailboxes_content
 WHERE id = ANY(%s::bigint[]) AND message_id LIKE '<%%.report@%%'
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """text: what a person was told; fields: the report for programs (RFC 3464), "" where there is none."""

    text: str
    fields: str


def as_told(words: str, *, content_id: int) -> str:
    """Our own words in the trace, with the number of the notice that was written."""
    return f"{words} (notice N{content_id})"


def number_of(row: Found) -> int | None:
    """Of the notice that this step tells of; None where it tells of none, or was written before they had numbers."""
    if row.source != "outbound" or row.state not in TELLING:
        return None
    found = _NUMBER.search(row.reply)
    return int(found[1]) if found else None


def opened(rows: Iterable[Found]) -> list[int]:
    """The numbers of those that are opened, if they are there still: the newest ones."""
    return list(dict.fromkeys(number for row in rows if (number := number_of(row)) is not None))[
        -MAX_NOTICES:
    ]


def read_notices(rows: Iterable[Found], scope: Scope) -> dict[int, Notice]:
    """Those of these steps that are still there, by their numbers. The subject of the message is told to its sender,
    and to others as far as the trace keeps subjects."""
    numbers = opened(rows)
    if not numbers:
        return {}
    shows_subject = settings.TRACE_SUBJECTS or (scope.account_id is not None and not scope.domains)
    with cursor() as sql:
        found = sql.execute(READ, (MAX_OCTETS, numbers)).fetchall()
    return {number: _read(bytes(octets), shows_subject=shows_subject) for number, octets in found}


def _read(octets: bytes, *, shows_subject: bool) -> Notice:
    root = scan(octets, limits=LIMITS)
    leaf = first_text(root)
    text = text_of(octets, leaf) if leaf is not None else ""
    status = next((part for part in own_parts(root) if part.content_type.media_type in STATUS_TYPES), None)
    if not shows_subject:
        text = "\n\n".join(each for each in text.split("\n\n") if not each.startswith(SUBJECT_LINE))
    return Notice(text.strip(), text_of(octets, status).strip() if status is not None else "")
