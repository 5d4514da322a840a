"""FETCH responses, a chunk of messages at a time, column by column (RFC 3501 section 7.4.2).

ENVELOPE and BODYSTRUCTURE come out of the store in wire form, so a response is one template filled from columns:
there is next to nothing done in Python for each message. A chunk is read, written, and waited for until the
client has taken it, so that memory is bounded by one chunk however much is asked for.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from mailboxes.imap.read_ahead import MESSAGES_AHEAD, read_with_next
from mailboxes.imap.sections import (
    clip,
    filter_fields,
    header_text,
    is_filtered,
    is_of_header,
    section_text,
    span,
)
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.view import MailboxView, Ranges
from mailboxes.store import structure
from mailboxes.store.fetch import Row, fetch_headers, fetch_octets, fetch_rows, fetch_slice
from mailhost.net.connection import ConnectionLost
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.dates import format_date_time
from mailhost.protocols.imap.fetch_items import Attribute, FetchItem, Section
from mailhost.protocols.imap.responses import literal
from mailhost.protocols.message import body_only

FROM_MEMORY_AT_ONCE = 5_000  # FLAGS and UID: 40 octets each
ROWS_AT_ONCE = 500  # ENVELOPE and BODYSTRUCTURE: about 1 KB each
OCTETS_AT_ONCE = 1 << 20  # of messages that are read together
HEADERS_AT_ONCE = 4 << 20  # of messages whose headers are
SLICE_OCTETS = 1 << 19  # of a message that is larger than that

COLUMNS = {
    Attribute.INTERNALDATE: "internal_date",
    Attribute.RFC822_SIZE: "size_octets",
    Attribute.ENVELOPE: "envelope",
    Attribute.BODYSTRUCTURE: "body_structure",
}
NUMBERS = (Attribute.UID, Attribute.RFC822_SIZE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages whose responses are written together: positions, rows (uid first), and octets where needed."""

    positions: Sequence[int]
    rows: Sequence[Row]
    octets: Sequence[bytes] = ()


class Reading(Enum):
    """What of each message is read besides its row."""

    ROWS = 0
    HEADERS = 1
    OCTETS = 2


class Fetching:
    """One FETCH under way. `missing` counts messages that are gone for good and could not be told."""

    def __init__(self, session: Session, view: MailboxView, items: Sequence[FetchItem]) -> None:
        self._session = session
        self._selected: Selected = session.mailbox
        self._view = view
        self._items = items
        self._reading = _reading(items)
        self._columns = [COLUMNS[item] for item in items if isinstance(item, Attribute) and item in COLUMNS]
        # The last column says how much is going to be read at the most, the one before it where the parts lie.
        if self._reading is Reading.HEADERS:
            self._columns += ["size_octets"]
        elif self._reading is Reading.OCTETS:
            self._columns += ["parts", "size_octets"]
        self._template = _template(items)
        self.missing = 0

    async def run(self, ranges: Ranges) -> None:
        """Write all responses."""
        positions = (position for start, end in ranges for position in range(start, end))
        is_one = self._reading is Reading.OCTETS and sum(end - start for start, end in ranges) == 1
        if is_one and await self._tell_one(ranges[0][0]):
            return
        at_once = ROWS_AT_ONCE if self._columns else FROM_MEMORY_AT_ONCE
        while some := list(islice(positions, at_once)):
            if self._columns:
                await self._tell_from_store(some)
            else:
                await self._tell(Chunk(some, [(self._view.uids[position],) for position in some]))

    async def _tell_one(self, position: int) -> bool:
        """A single message, perhaps read before. False where it is too large for that, or gone."""
        ahead, uids, columns = self._selected.ahead, self._view.uids, self._columns
        uid = uids[position]
        found = ahead.take(uid, columns)
        if found is None:
            count = MESSAGES_AHEAD if ahead.is_in_step(uid, columns) else 1
            some = uids[position : position + count]
            read = await in_store(read_with_next, self._selected.mailbox_id, some, columns, OCTETS_AT_ONCE)
            found = read.pop(uid, None)
            ahead.keep(read)
        ahead.expect(uids[position + 1] if position + 1 < len(uids) else 0, columns)
        if found is None:
            return False
        await self._tell(Chunk([position], [found[0]], [found[1]]))
        return True

    async def _tell_from_store(self, positions: list[int]) -> None:
        uids = [self._view.uids[position] for position in positions]
        rows, octets = await in_store(_read, self._selected.mailbox_id, uids, self._columns, self._reading)
        if len(rows) == len(positions):
            chunk = Chunk(positions, rows)
        else:
            self.missing += len(positions) - len(rows)
            by_uid = dict(zip(uids, positions, strict=True))
            chunk = Chunk([by_uid[row[0]] for row in rows], rows)
        if self._reading is Reading.ROWS:
            await self._tell(chunk)
        elif octets is not None:
            await self._tell(self._with(octets, chunk))
        else:
            for group in self._groups(chunk):
                await self._tell_group(group)

    def _groups(self, chunk: Chunk) -> Iterator[Chunk]:
        """Neighbours that are read together, within OCTETS_AT_ONCE; a larger message stands alone."""
        start = octets = 0
        for at, row in enumerate(chunk.rows):
            if at > start and octets + row[-1] > OCTETS_AT_ONCE:
                yield Chunk(chunk.positions[start:at], chunk.rows[start:at])
                start, octets = at, 0
            octets += row[-1]
        if start < len(chunk.rows):
            yield Chunk(chunk.positions[start:], chunk.rows[start:])

    async def _tell_group(self, chunk: Chunk) -> None:
        is_large = chunk.rows[0][-1] > OCTETS_AT_ONCE
        if is_large and self._reading is Reading.OCTETS and Attribute.BODY not in self._items:
            await self._tell_large(chunk)
            return
        uids = [row[0] for row in chunk.rows]
        octets = await in_store(_read_octets, self._selected.mailbox_id, uids, self._reading)
        await self._tell(self._with(octets, chunk))

    def _with(self, octets: dict[int, bytes], chunk: Chunk) -> Chunk:
        """The chunk with its octets, without messages that went for good since their row was read."""
        pairs = zip(chunk.positions, chunk.rows, strict=True)
        there = [(position, row) for position, row in pairs if row[0] in octets]
        self.missing += len(chunk.rows) - len(there)
        return Chunk(
            [position for position, _ in there],
            [row for _, row in there],
            [octets[row[0]] for _, row in there],
        )

    async def _tell(self, chunk: Chunk) -> None:
        numbers = [position + 1 for position in chunk.positions]
        columns = [self._column(item, chunk) for item in self._items]
        template = self._template
        lines = [template % values for values in zip(numbers, *columns, strict=True)]
        await self._session.send(b"".join(lines))

    def _column(self, item: FetchItem, chunk: Chunk) -> Sequence[bytes | int]:
        """What the item is in each response."""
        if isinstance(item, Section):
            if self._reading is Reading.HEADERS:
                return [header_text(item, header) for header in chunk.octets]
            return [
                section_text(item, octets, row[-2])
                for row, octets in zip(chunk.rows, chunk.octets, strict=True)
            ]
        if item is Attribute.UID:
            return [row[0] for row in chunk.rows]
        if item is Attribute.FLAGS:
            return self._selected.flags_column(chunk.positions)
        if item is Attribute.BODY:
            return [body_only(octets, limits=structure.limits()) for octets in chunk.octets]
        place = 1 + self._columns.index(COLUMNS[item])
        if item is Attribute.INTERNALDATE:
            return [format_date_time(row[place]) for row in chunk.rows]
        return [row[place] for row in chunk.rows]

    async def _tell_large(self, chunk: Chunk) -> None:
        """One message that is not read as a whole: its sections go out slice by slice."""
        (row,) = chunk.rows
        self._session.write(b"* %d FETCH (" % (chunk.positions[0] + 1))
        for number, item in enumerate(self._items):
            if number:
                self._session.write(b" ")
            if isinstance(item, Section):
                await self._tell_large_section(item, row[0], row[-2])
            else:
                (value,) = self._column(item, chunk)
                self._session.write(_piece(item) % value)
        await self._session.send(b")\r\n")

    async def _tell_large_section(self, section: Section, uid: int, parts: bytes) -> None:
        found = span(section, parts)
        self._session.write(section.response_label + b" ")
        if found is None:
            self._session.write(b"NIL")
            return
        start, end = found
        if is_filtered(section):
            header = b"".join([piece async for piece in self._slices(uid, start, end)])
            self._session.write(literal(filter_fields(section, header)))
            return
        start, end = clip(start, end, section.partial)
        self._session.write(b"{%d}\r\n" % (end - start))
        async for piece in self._slices(uid, start, end):
            await self._session.send(piece)

    async def _slices(self, uid: int, start: int, end: int) -> AsyncIterator[bytes]:
        while start < end:
            piece = await in_store(
                fetch_slice,
                mailbox_id=self._selected.mailbox_id,
                uid=uid,
                offset=start,
                length=min(SLICE_OCTETS, end - start),
            )
            if not piece:
                # The literal's length is told already: no reply can mend that.
                raise ConnectionLost("a message went for good while it was being sent")
            start += len(piece)
            yield piece


def _reading(items: Sequence[FetchItem]) -> Reading:
    sections = [item for item in items if isinstance(item, Section)]
    if Attribute.BODY in items or not all(map(is_of_header, sections)):
        return Reading.OCTETS
    return Reading.HEADERS if sections else Reading.ROWS


def _read(
    mailbox_id: int, uids: Sequence[int], columns: Sequence[str], reading: Reading
) -> tuple[list[Row], dict[int, bytes] | None]:
    """The rows, and the octets too where they are few enough to be read in the same hop."""
    rows = fetch_rows(mailbox_id=mailbox_id, uids=uids, columns=columns)
    if reading is Reading.ROWS:
        return rows, None
    octets = sum(row[-1] for row in rows)
    if reading is Reading.HEADERS and octets > HEADERS_AT_ONCE:
        # Messages that are larger than their headers by far: only now is it worth to ask how large those are.
        sizes: dict[int, int] = dict(fetch_rows(mailbox_id=mailbox_id, uids=uids, columns=["header_octets"]))
        rows = [(*row[:-1], sizes[row[0]]) for row in rows if row[0] in sizes]
        octets = sum(row[-1] for row in rows)
    if octets > (HEADERS_AT_ONCE if reading is Reading.HEADERS else OCTETS_AT_ONCE):
        return rows, None
    return rows, _read_octets(mailbox_id, [row[0] for row in rows], reading)


def _read_octets(mailbox_id: int, uids: Sequence[int], reading: Reading) -> dict[int, bytes]:
    """By UID, the header or the whole of each message."""
    if reading is Reading.HEADERS:
        return dict(fetch_headers(mailbox_id=mailbox_id, uids=uids))
    return {uid: octets for uid, octets, _ in fetch_octets(mailbox_id=mailbox_id, uids=uids)}


def _piece(item: FetchItem) -> bytes:
    """The item's name and place in the template."""
    if isinstance(item, Section):
        return item.response_label.replace(b"%", b"%%") + b" %b"
    if item is Attribute.FLAGS:
        return b"FLAGS (%b)"
    return b"%b %%%b" % (item.value, b"d" if item in NUMBERS else b"b")


def _template(items: Sequence[FetchItem]) -> bytes:
    return b"* %d FETCH (" + b" ".join(_piece(item) for item in items) + b")\r\n"
