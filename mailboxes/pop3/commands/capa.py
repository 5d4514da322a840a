"""CAPA (RFC 2449 section 5)."""

from mailboxes.pop3.session import Session
from mailhost.protocols.pop3.commands import Capa
from mailhost.protocols.pop3.replies import listing, ok
from mailhost.protocols.pop3.states import State

ALWAYS = ("TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE NEVER")


def capabilities(session: Session) -> list[str]:
    """What the client can use now; before TLS no way to send a password is named."""
    words = list(ALWAYS)
    if session.state is State.AUTHORIZATION and session.may_sign_in:
        words.append("USER")
        words += [f"SASL {' '.join(session.mechanisms)}"] if session.mechanisms else []
    if session.may_start_tls:
        words.append("STLS")
    return words


async def capa(session: Session, command: Capa) -> None:
    """A line for each capability."""
    await session.send_all(listing(ok("Capabilities follow."), capabilities(session)))
