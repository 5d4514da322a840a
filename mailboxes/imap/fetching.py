"""FETCH responses, a chunk of messages at a time (RFC 3501 section 7.4.2).

A chunk is read, written, and waited for until the client has taken it, so that memory is bounded by one chunk however
much is asked for, and a client that has gone is noticed between two of them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from mailboxes.imap.fetch_columns import (
    Chunk,
    Reading,
    column,
    decodable,
    piece,
    reading_of,
    store_columns,
    template,
)
from mailboxes.imap.fetching_large import LargeMessage
from mailboxes.imap.read_ahead import MESSAGES_AHEAD, read_with_next
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.view import MailboxView, Ranges
from mailboxes.store.fetch import Row, fetch_headers, fetch_octets, fetch_rows
from mailhost.net.connection import ConnectionLost
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.fetch_items import Attribute, FetchItem

FROM_MEMORY_AT_ONCE = 5_000  # FLAGS and UID: 40 octets each
ROWS_AT_ONCE = 500  # ENVELOPE and BODYSTRUCTURE: about 1 KB each
OCTETS_AT_ONCE = 1 << 20  # of messages that are read together
HEADERS_AT_ONCE = 4 << 20  # of messages whose headers are


class Fetching:
    """One FETCH under way.

    `missing` counts messages that are gone for good and could not be told, `undecodable` those whose transfer
    encoding nobody knows.
    """

    def __init__(self, session: Session, view: MailboxView, items: Sequence[FetchItem]) -> None:
        self._session = session
        self._selected: Selected = session.mailbox
        self._view = view
        self._items = items
        self._reading = reading_of(items)
        self._columns = store_columns(items, self._reading)
        self._template = self._selected.fetch_head + template(items)
        self.missing = 0
        self.undecodable = 0

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
        told = decodable(self._items, chunk)
        self.undecodable += len(chunk.rows) - len(told.rows)
        numbers = self._selected.numbers(told.positions)
        columns = [self._column(item, told) for item in self._items]
        template = self._template
        lines = [template % values for values in zip(numbers, *columns, strict=True)]
        await self._session.tell(b"".join(lines))

    def _column(self, item: FetchItem, chunk: Chunk) -> Sequence[bytes | int]:
        return column(item, chunk, self._columns, self._reading, self._selected)

    async def _tell_large(self, chunk: Chunk) -> None:
        """One message that is not read as a whole: what is told of its octets goes out slice by slice."""
        (row,) = chunk.rows
        message = LargeMessage(self._session, uid=row[0], parts=row[-2])
        if not await message.is_decodable(self._items):
            self.undecodable += 1
            return
        try:
            await self._tell_items(message, chunk)
        except ConnectionLost:
            raise
        except Exception as error:  # half a response stands on the wire: no reply could mend that
            raise ConnectionLost("a response was left unfinished") from error

    async def _tell_items(self, message: LargeMessage, chunk: Chunk) -> None:
        self._session.write(self._selected.fetch_head % self._selected.numbers(chunk.positions)[0])
        for number, item in enumerate(self._items):
            if number:
                self._session.write(b" ")
            if isinstance(item, Attribute):
                (value,) = self._column(item, chunk)
                self._session.write(piece(item) % value)
            else:
                await message.tell(item)
        await self._session.send(b")\r\n")


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
