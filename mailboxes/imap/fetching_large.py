"""FETCH of a message that is too large to be held: its sections go out slice by slice (RFC 3501, RFC 3516)."""

from collections.abc import AsyncIterator, Iterable

from mailboxes.imap.binary import body_span, decoder_of, header_span, place_of
from mailboxes.imap.sections import clip, filter_fields, is_filtered, span
from mailboxes.imap.session import Session
from mailboxes.store.fetch import fetch_slice
from mailhost.net.store_threads import in_store
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.protocols.imap.fetch_items import Binary, FetchItem, Section
from mailhost.protocols.imap.responses import literal

SLICE_OCTETS = 1 << 19


class LargeMessage:
    """One message and the session that it is told to."""

    def __init__(self, session: Session, *, uid: int, parts: bytes) -> None:
        self._session = session
        self._mailbox_id = session.mailbox.mailbox_id
        self._uid = uid
        self._parts = parts

    async def is_decodable(self, items: Iterable[FetchItem]) -> bool:
        """Whether all BINARY items can be told."""
        for item in items:
            if isinstance(item, Binary):
                header = await self._header(item)
                if header is not None and decoder_of(header) is None:
                    return False
        return True

    async def tell(self, item: Section | Binary) -> None:
        """Write the item and wait until the client has taken it."""
        self._session.write(item.response_label + b" ")
        if isinstance(item, Binary):
            await self._tell_binary(item)
        else:
            await self._tell_section(item)

    async def _tell_section(self, section: Section) -> None:
        found = span(section, self._parts)
        if found is None:
            self._session.write(b"NIL")
            return
        start, end = found
        if is_filtered(section):
            header = b"".join([piece async for piece in self._slices(start, end)])
            self._session.write(literal(filter_fields(section, header)))
            return
        start, end = clip(start, end, section.partial)
        self._session.write(b"{%d}\r\n" % (end - start))
        async for piece in self._slices(start, end):
            await self._session.send(piece)

    async def _tell_binary(self, item: Binary) -> None:
        """A literal's length comes first: the part is decoded once for that, and once more to be sent."""
        place = place_of(item, self._parts)
        if place is None:
            self._session.write(b"0" if item.is_size else b"NIL")
            return
        start, end = body_span(item, place)
        header = await self._header(item)
        size = 0
        has_nul = False
        async for piece in self._decoded(header, start, end):
            size += len(piece)
            has_nul |= b"\0" in piece
        if item.is_size:
            self._session.write(b"%d" % size)
            return
        first, last = clip(0, size, item.partial)
        self._session.write(b"%b{%d}\r\n" % (b"~" if has_nul else b"", last - first))
        at = 0
        async for piece in self._decoded(header, start, end):
            if at < last and at + len(piece) > first:
                await self._session.send(piece[max(first - at, 0) : last - at])
            at += len(piece)
            if at >= last:
                return

    async def _header(self, item: Binary) -> bytes | None:
        """The header that names the encoding; None where there is nothing to decode."""
        place = place_of(item, self._parts)
        lies = header_span(item, place) if place is not None else None
        return None if lies is None else b"".join([piece async for piece in self._slices(*lies)])

    async def _decoded(self, header: bytes | None, start: int, end: int) -> AsyncIterator[bytes]:
        decoder = None if header is None else decoder_of(header)
        async for piece in self._slices(start, end):
            yield piece if decoder is None else decoder.feed(piece)
        if decoder is not None:
            yield decoder.end()

    async def _slices(self, start: int, end: int) -> AsyncIterator[bytes]:
        while start < end:
            piece = await in_store(
                fetch_slice,
                mailbox_id=self._mailbox_id,
                uid=self._uid,
                offset=start,
                length=min(SLICE_OCTETS, end - start),
            )
            if not piece:
                # The literal's length is told already: no reply can mend that.
                raise ConnectionLost("a message went for good while it was being sent")
            start += len(piece)
            yield piece
