"""IDLE (RFC 2177): changes are told as they happen, until DONE."""

from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailboxes.imap.waiting import until_input
from mailhost.net.stream.interruptions import LineTooLong
from mailhost.protocols.imap.commands import Idle
from mailhost.protocols.imap.responses import Reply, bad, continuation, ok


async def idle(session: Session, command: Idle) -> Reply:
    if session.selected is not None:
        session.selected.ahead.drop()
    await session.send(continuation("idling"))
    await tell_changes(session, may_tell_expunges=True, is_asked=True)
    await until_input(session, may_tell_expunges=True)
    try:
        line = await session.read_line()
    except LineTooLong:
        line = b""
    return ok("") if line.upper() == b"DONE" else bad("Expected DONE")
