"""Storing a large message without holding it several times over: COPY takes it in pieces.

As a parameter of a statement its octets would be copied twice more, into psycopg's array and into libpq's buffer, and
that buffer stays as large as it once was for as long as the connection lives.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from mailboxes.store.values import NewContent
from mailhost.net.database import cursor

LARGE_OCTETS = 1 << 20
PIECE_OCTETS = 1 << 18

COLUMNS = """id, created_at, digest, size_octets, header_octets, envelope, body_structure, parts, message_id,
    "references", subject, from_display, to_display, sort_subject, sort_from, sort_to, sort_cc, sent_at, preview,
    has_attachments, octets"""
COPY = f"COPY mailboxes_content ({COLUMNS}) FROM STDIN (FORMAT BINARY)"

# PostgreSQL manual, COPY, "Binary Format": signature, flags, length of the header's extension
HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
FIELD_COUNT = struct.pack("!h", COLUMNS.count(",") + 1)
NULL = struct.pack("!i", -1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of timestamptz, which counts microseconds
TEXT_OID = 25


def copy_contents(contents: Sequence[tuple[int, NewContent]], *, now: datetime) -> None:
    """Inserts the contents under these numbers, in the caller's transaction."""
    if not contents:
        return
    with cursor() as sql, sql.copy(COPY.encode()) as copy:
        copy.write(HEAD)
        for number, content in contents:
            copy.write(FIELD_COUNT + b"".join(map(_field, _columns(number, content, now))))
            copy.write(struct.pack("!i", len(content.octets)))
            for piece in _pieces(content.octets):
                copy.write(piece)
        copy.write(TRAILER)


def _columns(number: int, content: NewContent, now: datetime) -> Iterable[bytes | None]:
    """All but the octets, as COLUMNS has them."""
    found = content.worked_out
    return (
        struct.pack("!q", number),
        _moment(now),
        content.digest,
        struct.pack("!i", len(content.octets)),
        struct.pack("!i", found.header_octets),
        found.envelope,
        found.body_structure,
        found.parts,
        found.message_id.encode(),
        _texts(found.references),
        found.subject.encode(),
        found.from_display.encode(),
        found.to_display.encode(),
        found.sort_subject.encode(),
        found.sort_from.encode(),
        found.sort_to.encode(),
        found.sort_cc.encode(),
        _moment(found.sent_at) if found.sent_at is not None else None,
        found.preview.encode(),
        bytes([found.has_attachments]),
    )


def _field(value: bytes | None) -> bytes:
    return NULL if value is None else struct.pack("!i", len(value)) + value


def _moment(moment: datetime) -> bytes:
    since = moment - EPOCH
    return struct.pack("!q", (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _texts(words: Sequence[str]) -> bytes:
    """text[]: dimensions, whether there are NULLs, the elements' type; length and lower bound; the elements."""
    if not words:
        return struct.pack("!iiI", 0, 0, TEXT_OID)
    head = struct.pack("!iiIii", 1, 0, TEXT_OID, len(words), 1)
    return head + b"".join(_field(word.encode()) for word in words)


def _pieces(octets: bytes) -> Iterator[Any]:
    view = memoryview(octets)
    for start in range(0, len(octets), PIECE_OCTETS):
        yield view[start : start + PIECE_OCTETS]
