"""QUIT (RFC 5321 section 4.1.1.10)."""

from delivery.smtp.session import Session
from mailhost.protocols.smtp.replies import CommandRefused, Reply


async def quit_(session: Session, argument: str) -> Reply:
    """221 ends every session that is told it (see conversation.py)."""
    if argument:
        raise CommandRefused(501, "5.5.4", "QUIT takes no argument")
    return Reply(221, "2.0.0", "Bye")
