"""UNAUTHENTICATE (RFC 8437): back to the state before the login, on the same connection."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.enabling import Unauthenticate
from mailhost.protocols.imap.responses import Reply, ok


async def unauthenticate(session: Session, command: Unauthenticate) -> Reply:
    await session.deselect()
    session.leave()
    return ok("Logged out", f"CAPABILITY {session.capabilities}")
