"""STARTTLS (RFC 3207)."""

from typing import Final

from delivery.smtp.session import Session, State
from mailhost.protocols.smtp.replies import CommandRefused, Reply

# Before EHLO too: RFC 3207 does not ask for one. Not inside a transaction, which would be lost.
ALLOWED_IN: Final = frozenset({State.CONNECTED, State.GREETED})
READY: Final = Reply(220, "2.0.0", "Ready to start TLS")
NOTHING_MORE: Final = Reply(0, "", "")
"""What the conversation does not send: the reply went out before TLS began."""


async def starttls(session: Session, argument: str) -> Reply:
    """Begins TLS; the client starts again with EHLO."""
    if argument:
        raise CommandRefused(501, "5.5.4", "STARTTLS takes no argument")
    if session.connection.is_tls:
        raise CommandRefused(503, "5.5.1", "TLS is active already")
    if session.host.tls is None:
        raise CommandRefused(454, "4.7.0", "TLS is not available for the moment")
    await session.connection.start_tls(session.host.tls, announce=READY.encode())
    session.forget_plaintext()
    return NOTHING_MORE
