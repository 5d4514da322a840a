"""UNSELECT (RFC 3691): CLOSE without expunging."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Unselect
from mailhost.protocols.imap.responses import Reply, ok


async def unselect(session: Session, command: Unselect) -> Reply:
    await session.deselect()
    return ok("")
