"""NOOP (RFC 5321 section 4.1.1.9)."""

from delivery.smtp.replies import OK
from delivery.smtp.session import Session
from mailhost.protocols.smtp.replies import Reply


async def noop(session: Session, argument: str) -> Reply:
    """Nothing, whatever the argument."""
    return OK
