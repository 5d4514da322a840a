"""DATA (RFC 5321 section 4.1.1.4)."""

from typing import Final

from delivery.smtp.message_reading import read_message
from delivery.smtp.session import Session, State
from delivery.smtp.taking import take
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALLOWED_IN: Final = frozenset({State.RECIPIENTS})
GO_AHEAD: Final = Reply(354, "", "End data with <CR><LF>.<CR><LF>")


async def data(session: Session, argument: str) -> Reply:
    """Takes the message and hands it to delivery."""
    if argument:
        raise CommandRefused(501, "5.5.4", "DATA takes no argument")
    session.connection.write(GO_AHEAD.encode())
    try:
        async with read_message(session) as octets:
            return await take(session, octets)
    finally:
        session.reset()
