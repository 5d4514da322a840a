"""Where an SMTP session asks the guard: at its beginning, at MAIL, at RCPT, and for a recipient that is refused."""

import structlog
from django.conf import settings

from delivery.smtp.replies import CLOSING_TOO_MANY_ERRORS, reply_to
from delivery.smtp.session import Door, Session
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.smtp.paths import ForwardPath, ReversePath
from mailhost.protocols.smtp.replies import CommandRefused, Reply

log = structlog.get_logger(__name__)


async def turned_away(session: Session) -> Reply | None:
    """What is said instead of a greeting to a client that is not served now (RFC 5321 section 3.1); None to others."""
    guard = session.host.guard
    if guard is None:
        return None
    try:
        session.visit = await guard.admit(session.connection.peer, is_inbound=session.door is Door.INBOUND)
    except CommandRefused as refusal:
        log.info("turned away", peer=session.connection.peer, reply=str(refusal.reply))
        return refusal.reply
    return None


async def allow_message(session: Session, reverse_path: ReversePath) -> None:
    """MAIL. Raises CommandRefused."""
    if session.host.guard is not None and session.visit is not None:
        await session.host.guard.allow_message(session.visit, reverse_path=str(reverse_path))


async def allow_recipient(session: Session, path: ForwardPath) -> None:
    """RCPT. Raises CommandRefused."""
    if session.host.guard is not None and session.visit is not None:
        is_first = session.envelope is None or not session.envelope.forward_paths
        await session.host.guard.allow_recipient(session.visit, path, is_first=is_first)


async def refuse_recipient(session: Session, fact: Exception) -> Reply:
    """The reply about a recipient that there is not: slower each time, and the end of whoever goes on."""
    session.refused_recipients += 1
    is_too_many = session.refused_recipients > settings.SMTP_MAX_REFUSED_RECIPIENTS
    guard, visit = session.host.guard, session.visit
    if guard is not None and visit is not None:
        is_too_many |= not await guard.recipient_was_refused(visit)
        if is_too_many:
            try:
                await guard.offended(visit, what="guessed recipients", now=session.host.clock())
            except StoreUnavailable:
                pass  # the session ends all the same
    return CLOSING_TOO_MANY_ERRORS if is_too_many else reply_to(fact)
