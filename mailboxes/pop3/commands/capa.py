"""CAPA (RFC 2449 section 5): what the client can use now."""

from django.conf import settings

from mailboxes.pop3.session import Session
from mailhost.protocols.pop3.commands import Capa
from mailhost.protocols.pop3.replies import listing, ok
from mailhost.protocols.pop3.states import State

# EXPIRE NEVER: nothing goes but by DELE and QUIT (section 6.7).
# UTF8 USER: logins and passwords too (RFC 6856 section 2.2).
ALWAYS = ("TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE NEVER", "UTF8 USER", "LANG")
IMPLEMENTATION = "IMPLEMENTATION mailhost"  # section 6.9: strangers need not know


def capabilities(session: Session) -> list[str]:
    """Before TLS no way to send a password is named."""
    words = list(ALWAYS)
    if settings.POP3_LOGIN_DELAY_SECONDS:
        words.append(f"LOGIN-DELAY {settings.POP3_LOGIN_DELAY_SECONDS}")
    if session.state is State.TRANSACTION:
        words.append(IMPLEMENTATION)
    elif session.may_sign_in:
        words.append("USER")
        words += [f"SASL {' '.join(session.mechanisms)}"] if session.mechanisms else []
    if session.may_start_tls:
        words.append("STLS")
    return words


async def capa(session: Session, command: Capa) -> None:
    """A line for each capability."""
    await session.send_all(listing(ok("Capabilities follow."), capabilities(session)))
