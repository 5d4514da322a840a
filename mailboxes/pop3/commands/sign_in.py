"""USER, PASS (RFC 1939 section 7) and AUTH PLAIN (RFC 5034)."""

import structlog
from django.conf import settings

from mailboxes import authentication
from mailboxes.exceptions import AuthenticationFailed, TooManyFailures
from mailboxes.pop3.maildrop import open_maildrop
from mailboxes.pop3.refusals import refusal
from mailboxes.pop3.session import Session, SessionOver
from mailhost.net.store_threads import in_store
from mailhost.protocols import sasl
from mailhost.protocols.pop3.commands import Auth, BadCommand, Pass, User
from mailhost.protocols.pop3.replies import listing, ok

log = structlog.get_logger(__name__)

# LOGIN is not offered: it is neither standardised nor used for POP3.
MECHANISMS = ("PLAIN",)


async def user(session: Session, command: User) -> None:
    """Any name is taken: whether there is such an account is not told."""
    _refuse_plaintext(session)
    session.user = command.name
    await session.send(ok())


async def pass_(session: Session, command: Pass) -> None:
    """Only right after USER (RFC 1939 section 7)."""
    _refuse_plaintext(session)
    name, session.user = session.user, ""
    if not name:
        raise BadCommand("USER comes first.")
    await _sign_in(session, sasl.Credentials("", name, command.password))


async def auth(session: Session, command: Auth) -> None:
    """PLAIN, with the initial response in the command or after a continuation."""
    if command.mechanism is None:
        await session.send_all(listing(ok("Mechanisms follow."), MECHANISMS if session.may_sign_in else ()))
        return
    _refuse_plaintext(session)
    if command.mechanism not in MECHANISMS:
        raise BadCommand("There is no such mechanism.")
    exchange = sasl.MECHANISMS[command.mechanism]()
    given = command.initial_response
    step = exchange.answer(None if given is None else sasl.decode_initial_response(given))
    while isinstance(step, sasl.Challenge):
        await session.send(b"+ " + sasl.encode_challenge(step) + b"\r\n")
        step = exchange.answer(sasl.decode_response(await session.read_line()))
    await _sign_in(session, step)


def _refuse_plaintext(session: Session) -> None:
    if not session.may_sign_in:
        raise BadCommand("Passwords need TLS here: use STLS, or the port for POP3 over TLS.")


async def _sign_in(session: Session, credentials: sasl.Credentials) -> None:
    """Raises StoreUnavailable, MailboxNotFound; ends the session after too many wrong passwords."""
    peer = session.connection.peer
    try:
        if credentials.authzid.casefold() not in {"", credentials.login.casefold()}:
            raise AuthenticationFailed  # nobody acts for another account yet
        principal = await authentication.sign_in(
            login=credentials.login, password=credentials.password, peer=peer, protocol="pop3"
        )
    except (AuthenticationFailed, TooManyFailures) as failure:
        log.info("sign-in refused", login=credentials.login[:200], peer=peer, reason=type(failure).__name__)
        session.login_failures += 1
        if session.login_failures >= settings.POP3_MAX_LOGIN_FAILURES:
            raise SessionOver(refusal(failure)) from failure
        raise
    opened = await in_store(
        open_maildrop, account_id=principal.account_id, read_ahead_octets=settings.POP3_READ_AHEAD_OCTETS
    )
    log.info("signed in", login=principal.login, peer=peer, tls=session.connection.is_tls)
    session.login, session.opened = principal.login, opened
    await session.send(ok(f"{len(opened.uids)} messages."))
