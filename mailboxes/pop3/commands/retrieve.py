"""RETR (RFC 1939 section 5) and TOP (section 7)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from mailboxes.pop3.maildrop import SLICE_OCTETS, MessageGone
from mailboxes.pop3.session import Session
from mailhost.net.store_threads import StoreUnavailable
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.protocols.lines import CrlfFolder, DotStuffer, TopCutter, dot_stuffed, is_wire_form
from mailhost.protocols.message.downgrading import HeaderDowngrader, downgraded
from mailhost.protocols.pop3.commands import Retr, Top
from mailhost.protocols.pop3.replies import END, ok

FIRST_SLICE_OCTETS = 16 * 1024  # holds the header of nearly every message


async def retr(session: Session, command: Retr) -> None:
    """A whole message. Small ones come from what was read ahead, large ones in slices."""
    maildrop = session.maildrop
    maildrop.find(command.number)
    octets = await maildrop.read(command.number)
    if octets is not None:
        octets = octets if session.has_utf8 else downgraded(octets)
        if is_wire_form(octets):  # nearly all mail is
            await session.send(b"+OK %d octets follow.\r\n%b.\r\n" % (len(octets), octets))
            return
        text = dot_stuffed(octets)
        count = len(text) - len(END) - text.count(b"\r\n..") - text.startswith(b"..")
        await session.send(ok(f"{count} octets follow.") + text)
        return
    stuffer = DotStuffer()
    is_begun = False
    try:
        async with aclosing(_pieces(session, command.number, first=SLICE_OCTETS)) as pieces:
            async for piece in pieces:
                if not is_begun:
                    await session.send(ok(f"About {maildrop.size_octets(command.number)} octets follow."))
                    is_begun = True
                await session.send(stuffer.feed(piece))
    except (StoreUnavailable, MessageGone) as fact:
        _cut_off(session, fact, is_begun=is_begun)
        raise
    await session.send(stuffer.finish())


async def top(session: Session, command: Top) -> None:
    """The header, the empty line, and so many lines; no more is read than that needs."""
    session.maildrop.find(command.number)
    folder, cutter, stuffer = CrlfFolder(), TopCutter(command.lines), DotStuffer()
    begin = ok("The top follows.")
    is_begun = False
    try:
        async with aclosing(_pieces(session, command.number, first=FIRST_SLICE_OCTETS)) as pieces:
            async for piece in pieces:
                await session.send(begin + stuffer.feed(cutter.feed(folder.feed(piece))))
                begin, is_begun = b"", True
                if cutter.is_done:
                    break
    except (StoreUnavailable, MessageGone) as fact:
        _cut_off(session, fact, is_begun=is_begun)
        raise
    await session.send(begin + stuffer.feed(cutter.feed(folder.finish())) + stuffer.finish())


async def _pieces(session: Session, number: int, *, first: int) -> AsyncGenerator[bytes, None]:
    """The message as this client may have it: a header in UTF-8 only where it asked for that (RFC 6856 section 2.1)."""
    async with aclosing(session.maildrop.read_slices(number, first=first)) as slices:
        if session.has_utf8:
            async for piece in slices:
                yield piece
            return
        downgrader = HeaderDowngrader()
        async for piece in slices:
            if told := downgrader.feed(piece):
                yield told
        if rest := downgrader.finish():
            yield rest


def _cut_off(session: Session, fact: Exception, *, is_begun: bool) -> None:
    """After a part of the message no reply can take it back, and an end would make the part look whole."""
    if is_begun:
        session.connection.abort()
        raise ConnectionLost("the message could not be read to its end") from fact
