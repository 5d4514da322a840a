"""What each FETCH item is on the wire: a place in the response, filled from columns (RFC 3501 section 7.4.2).

ENVELOPE and BODYSTRUCTURE come out of the store in wire form, so a response is one template filled from columns:
there is next to nothing done in Python for each message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import compress
from typing import Any

from mailboxes.imap.binary import binary_text, is_decodable
from mailboxes.imap.sections import header_text, is_of_header, section_text
from mailboxes.imap.selected import Selected
from mailboxes.store import structure
from mailboxes.store.fetch import Row
from mailhost.protocols.imap.dates import format_date_time
from mailhost.protocols.imap.fetch_items import Attribute, Binary, FetchItem, Section
from mailhost.protocols.imap.responses import string
from mailhost.protocols.message import body_only

# The store's column for what is told of it alone.
COLUMNS = {
    Attribute.INTERNALDATE: "internal_seconds",
    Attribute.RFC822_SIZE: "size_octets",
    Attribute.ENVELOPE: "envelope",
    Attribute.BODYSTRUCTURE: "body_structure",
    Attribute.EMAILID: "content_id",
    Attribute.SAVEDATE: "saved_seconds",
    Attribute.PREVIEW: "preview",
}
# What stands in the response for the value of the column.
_PIECES = {
    Attribute.UID: b"UID %d",
    Attribute.RFC822_SIZE: b"RFC822.SIZE %d",
    Attribute.FLAGS: b"FLAGS (%b)",
    Attribute.MODSEQ: b"MODSEQ (%d)",
    # RFC 8474 section 4: the octets never change under a content's number, and COPY and MOVE keep it.
    Attribute.EMAILID: b"EMAILID (E%d)",
}
_FORMATS: dict[Attribute, Callable[[Any], bytes]] = {
    Attribute.INTERNALDATE: format_date_time,
    Attribute.SAVEDATE: format_date_time,
    Attribute.PREVIEW: lambda text: string(text.encode()),
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages whose responses are written together: positions, rows (uid first), and octets where needed."""

    positions: Sequence[int]
    rows: Sequence[Row]
    octets: Sequence[bytes] = ()
    is_large: bool = False
    """One message that is told slice by slice."""

    def only(self, chosen: Sequence[bool]) -> "Chunk":
        """The messages that are chosen."""
        return Chunk(
            list(compress(self.positions, chosen)),
            list(compress(self.rows, chosen)),
            list(compress(self.octets, chosen)),
        )


class Reading(Enum):
    """What of each message is read besides its row."""

    ROWS = 0
    HEADERS = 1
    OCTETS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read for some items, and how a response goes on behind the message's number."""

    reading: Reading
    columns: Sequence[str]
    template: bytes


@lru_cache(maxsize=512)
def plan(items: tuple[FetchItem, ...]) -> Plan:
    """Made once, where clients ask for the same of message after message."""
    reading = reading_of(items)
    return Plan(reading, store_columns(items, reading), template(items))


def reading_of(items: Sequence[FetchItem]) -> Reading:
    """The least that answers all items."""
    sections = [item for item in items if isinstance(item, Section)]
    if any(item is Attribute.BODY or isinstance(item, Binary) for item in items):
        return Reading.OCTETS
    if not all(map(is_of_header, sections)):
        return Reading.OCTETS
    return Reading.HEADERS if sections else Reading.ROWS


def store_columns(items: Sequence[FetchItem], reading: Reading) -> list[str]:
    """The store's columns that are read: last how many octets are going to be read at the most, before it the parts."""
    columns = [COLUMNS[item] for item in items if isinstance(item, Attribute) and item in COLUMNS]
    if reading is Reading.HEADERS:
        columns += ["size_octets"]
    elif reading is Reading.OCTETS:
        columns += ["parts", "size_octets"]
    return columns


def piece(item: FetchItem) -> bytes:
    """The item's name and place in the template."""
    if isinstance(item, Attribute):
        return _PIECES.get(item) or item.value + b" %b"
    return item.response_label.replace(b"%", b"%%") + b" %b"


def template(items: Sequence[FetchItem]) -> bytes:
    """The response behind the message's number, for what each item's column holds."""
    return b" ".join(piece(item) for item in items) + b")\r\n"


def decodable(items: Sequence[FetchItem], chunk: Chunk) -> Chunk:
    """The messages of which all BINARY items can be told."""
    wanted = [item for item in items if isinstance(item, Binary)]
    if not wanted:
        return chunk
    chosen = [
        all(is_decodable(item, octets, row[-2]) for item in wanted)
        for row, octets in zip(chunk.rows, chunk.octets, strict=True)
    ]
    return chunk if all(chosen) else chunk.only(chosen)


def column(
    item: FetchItem, chunk: Chunk, columns: Sequence[str], reading: Reading, selected: Selected
) -> Sequence[bytes | int]:
    """What the item is in each response."""
    if isinstance(item, Binary):
        return [
            binary_text(item, octets, row[-2]) for row, octets in zip(chunk.rows, chunk.octets, strict=True)
        ]
    if isinstance(item, Section):
        if reading is Reading.HEADERS:
            return [header_text(item, header) for header in chunk.octets]
        return [
            section_text(item, octets, row[-2]) for row, octets in zip(chunk.rows, chunk.octets, strict=True)
        ]
    match item:
        case Attribute.UID:
            return [row[0] for row in chunk.rows]
        case Attribute.FLAGS:
            return selected.flags_column(chunk.positions)
        case Attribute.MODSEQ:
            return selected.modseq_column(chunk.positions)
        case Attribute.BODY:
            return [body_only(octets, limits=structure.limits()) for octets in chunk.octets]
        case Attribute.THREADID:
            return [b"NIL"] * len(chunk.rows)  # RFC 8474 section 5.2: where threads are not calculated
    place = 1 + columns.index(COLUMNS[item])
    form = _FORMATS.get(item)
    if form is not None:
        return [form(row[place]) for row in chunk.rows]
    return [row[place] for row in chunk.rows]
