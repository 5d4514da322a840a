"""RETR (RFC 1939 section 5) and TOP (section 7)."""

from mailboxes.pop3.maildrop import MessageGone
from mailboxes.pop3.session import Session
from mailhost.net.connection import ConnectionLost
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.lines import CrlfFolder, DotStuffer, TopCutter, dot_stuffed
from mailhost.protocols.pop3.commands import Retr, Top
from mailhost.protocols.pop3.replies import END, ok

FIRST_SLICE_OCTETS = 16 * 1024  # holds the header of nearly every message


async def retr(session: Session, command: Retr) -> None:
    """A whole message. Small ones come from what was read ahead, large ones in slices."""
    maildrop = session.maildrop
    index = maildrop.find(command.number)
    stuffer = DotStuffer()
    is_begun = False
    try:
        async for piece in maildrop.read(command.number):
            if not is_begun and len(piece) == maildrop.sizes[index]:
                await session.send(_whole(piece))
                return
            if not is_begun:
                session.connection.write(ok(f"About {maildrop.sizes[index]} octets follow."))
                is_begun = True
            await session.send(stuffer.feed(piece))
    except (StoreUnavailable, MessageGone) as fact:
        _cut_off(session, fact, is_begun=is_begun)
        raise
    await session.send(stuffer.finish() if is_begun else ok("0 octets follow.") + END)


def _whole(octets: bytes) -> bytes:
    """The reply with a message that is in memory: here the exact count is known."""
    text = dot_stuffed(octets)
    count = len(text) - len(END) - text.count(b"\r\n..")
    return ok(f"{count} octets follow.") + text


async def top(session: Session, command: Top) -> None:
    """The header, the empty line, and so many lines; no more is read than that needs."""
    maildrop = session.maildrop
    maildrop.find(command.number)
    folder, cutter, stuffer = CrlfFolder(), TopCutter(command.lines), DotStuffer()
    is_begun = False
    try:
        async for piece in maildrop.read_slices(command.number, first=FIRST_SLICE_OCTETS):
            if not is_begun:
                session.connection.write(ok("The top follows."))
                is_begun = True
            await session.send(stuffer.feed(cutter.feed(folder.feed(piece))))
            if cutter.is_done:
                break
        if not is_begun:
            session.connection.write(ok("The top follows."))
    except (StoreUnavailable, MessageGone) as fact:
        _cut_off(session, fact, is_begun=is_begun)
        raise
    await session.send(stuffer.feed(cutter.feed(folder.finish())) + stuffer.finish())


def _cut_off(session: Session, fact: Exception, *, is_begun: bool) -> None:
    """After a part of the message no reply can take it back, and an end would make the part look whole."""
    if is_begun:
        session.connection.abort()
        raise ConnectionLost("the message could not be read to its end") from fact
