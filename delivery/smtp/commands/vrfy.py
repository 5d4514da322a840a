"""VRFY and EXPN (RFC 5321 sections 3.5.3 and 7.3): who has an address here is told to nobody who asks."""

from delivery.smtp.session import Session
from mailhost.protocols.smtp.replies import CommandRefused, Reply


async def vrfy(session: Session, argument: str) -> Reply:
    """252: RCPT will tell."""
    if not argument:
        raise CommandRefused(501, "5.5.4", "Syntax: VRFY address")
    return Reply(252, "2.0.0", "Cannot verify, but will take the message and try to deliver it")


async def expn(session: Session, argument: str) -> Reply:
    """Lists are not told."""
    raise CommandRefused(502, "5.5.1", "EXPN is not implemented")
