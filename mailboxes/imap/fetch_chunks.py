"""What a FETCH reads of the store: chunks that hold a bounded number of rows, and of octets."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from mailboxes.imap.fetch_columns import Chunk, Reading
from mailboxes.imap.view import Ranges
from mailboxes.store.fetch import Row, fetch_headers, fetch_octets, fetch_rows
from mailhost.net.store_threads import in_store

FROM_MEMORY_AT_ONCE = 5_000  # FLAGS and UID: 40 octets each
ROWS_AT_ONCE = 1_000  # ENVELOPE and BODYSTRUCTURE: about 1 KB each
OCTETS_AT_ONCE = 1 << 20  # of messages that are read together
HEADERS_AT_ONCE = 4 << 20  # of messages whose headers are


class ChunkReader:
    """Reads the messages at some positions of a view.

    Those too large to be held come without their octets, unless `holds_all` is set. `missing` counts those that are
    gone for good and could not be read.
    """

    def __init__(
        self,
        mailbox_id: int,
        uids: Sequence[int],
        *,
        columns: Sequence[str],
        reading: Reading,
        holds_all: bool,
    ) -> None:
        self._mailbox_id = mailbox_id
        self._uids = uids
        self._columns = columns
        self._reading = reading
        self._holds_all = holds_all
        self.missing = 0

    async def chunks(self, ranges: Ranges) -> AsyncIterator[Chunk]:
        """In the order of the ranges. A message too large to be held stands alone, without its octets."""
        positions = (position for start, end in ranges for position in range(start, end))
        if not self._columns:
            while some := list(islice(positions, FROM_MEMORY_AT_ONCE)):
                yield Chunk(some, [(self._uids[position],) for position in some])
        while some := list(islice(positions, ROWS_AT_ONCE)):
            async for chunk in self._read(some):
                yield chunk

    async def _read(self, positions: list[int]) -> AsyncIterator[Chunk]:
        uids = [self._uids[position] for position in positions]
        rows, octets = await in_store(_read, self._mailbox_id, uids, self._columns, self._reading)
        if len(rows) == len(positions):
            chunk = Chunk(positions, rows)
        else:
            self.missing += len(positions) - len(rows)
            by_uid = dict(zip(uids, positions, strict=True))
            chunk = Chunk([by_uid[row[0]] for row in rows], rows)
        if self._reading is Reading.ROWS:
            yield chunk
        elif octets is not None:
            yield self._with(octets, chunk)
        else:
            for group in _groups(chunk):
                yield await self._read_octets(group)

    async def _read_octets(self, chunk: Chunk) -> Chunk:
        """With what is asked for of each message, unless that is too large to be held."""
        is_large = chunk.rows[0][-1] > OCTETS_AT_ONCE
        if is_large and self._reading is Reading.OCTETS and not self._holds_all:
            return replace(chunk, is_large=True)
        uids = [row[0] for row in chunk.rows]
        return self._with(await in_store(_read_octets, self._mailbox_id, uids, self._reading), chunk)

    def _with(self, octets: dict[int, bytes], chunk: Chunk) -> Chunk:
        """The chunk with its octets, without messages that went for good since their row was read."""
        if len(octets) == len(chunk.rows):
            return Chunk(chunk.positions, chunk.rows, [octets[row[0]] for row in chunk.rows])
        pairs = zip(chunk.positions, chunk.rows, strict=True)
        there = [(position, row) for position, row in pairs if row[0] in octets]
        self.missing += len(chunk.rows) - len(there)
        return Chunk(
            [position for position, _ in there],
            [row for _, row in there],
            [octets[row[0]] for _, row in there],
        )


def _groups(chunk: Chunk) -> Iterator[Chunk]:
    """Neighbours that are read together, within OCTETS_AT_ONCE; a larger message stands alone."""
    start = octets = 0
    for at, row in enumerate(chunk.rows):
        if at > start and octets + row[-1] > OCTETS_AT_ONCE:
            yield Chunk(chunk.positions[start:at], chunk.rows[start:at])
            start, octets = at, 0
        octets += row[-1]
    if start < len(chunk.rows):
        yield Chunk(chunk.positions[start:], chunk.rows[start:])


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
    return dict(fetch_octets(mailbox_id=mailbox_id, uids=uids))
