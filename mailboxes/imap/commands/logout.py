"""LOGOUT (RFC 3501 section 6.1.3)."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Logout
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.states import State


async def logout(session: Session, command: Logout) -> Reply:
    await session.deselect()
    session.bye("Logging out")
    session.state = State.LOGOUT
    return ok("LOGOUT completed")
