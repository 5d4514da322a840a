"""FETCH responses, a chunk of messages at a time (RFC 3501 section 7.4.2).

A chunk is written and waited for until the client has taken it, while the next one is being read: so memory is bounded
by two chunks however much is asked for, and a client that has gone is noticed between two of them.
"""

from collections.abc import Sequence
from contextlib import aclosing
from itertools import chain

from mailboxes.imap.fetch_chunks import OCTETS_AT_ONCE, ChunkReader
from mailboxes.imap.fetch_columns import Chunk, Reading, column, decodable, piece, plan
from mailboxes.imap.fetching_large import LargeMessage
from mailboxes.imap.read_ahead import MESSAGES_AHEAD, read_with_next
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.view import MailboxView, Ranges
from mailhost.net.one_ahead import one_ahead
from mailhost.net.store_threads import in_store
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.protocols.imap.fetch_items import Attribute, FetchItem


class Fetching:
    """One FETCH under way.

    `missing` counts messages that are gone for good and could not be told, `undecodable` those whose transfer
    encoding nobody knows.
    """

    def __init__(self, session: Session, view: MailboxView, items: tuple[FetchItem, ...]) -> None:
        self._session = session
        self._selected: Selected = session.mailbox
        self._view = view
        self._items = items
        made = plan(items)
        self._reading, self._columns = made.reading, made.columns
        self._template = self._selected.fetch_head + made.template
        self.missing = 0
        self.undecodable = 0

    async def run(self, ranges: Ranges) -> None:
        """Write all responses."""
        is_one = self._reading is Reading.OCTETS and sum(end - start for start, end in ranges) == 1
        if is_one and await self._tell_one(ranges[0][0]):
            return
        reader = ChunkReader(
            self._selected.mailbox_id,
            self._view.uids,
            columns=self._columns,
            reading=self._reading,
            holds_all=Attribute.BODY in self._items,
        )
        async with aclosing(one_ahead(reader.chunks(ranges))) as chunks:
            async for chunk in chunks:
                if chunk.is_large:
                    await self._tell_large(chunk)
                else:
                    await self._tell(chunk)
        self.missing += reader.missing

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

    async def _tell(self, chunk: Chunk) -> None:
        told = decodable(self._items, chunk)
        self.undecodable += len(chunk.rows) - len(told.rows)
        numbers = self._selected.numbers(told.positions)
        columns = [self._column(item, told) for item in self._items]
        values = tuple(chain.from_iterable(zip(numbers, *columns, strict=True)))
        await self._session.tell((self._template * len(told.rows)) % values)  # half as long as line by line

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
