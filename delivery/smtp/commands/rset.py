"""RSET (RFC 5321 section 4.1.1.5)."""

from delivery.smtp.replies import OK
from delivery.smtp.session import Session
from mailhost.protocols.smtp.replies import CommandRefused, Reply


async def rset(session: Session, argument: str) -> Reply:
    """Ends the transaction without sending it."""
    if argument:
        raise CommandRefused(501, "5.5.4", "RSET takes no argument")
    session.reset()
    return OK
