"""USER, PASS (RFC 1939 section 7) and AUTH (RFC 5034)."""

from collections.abc import Awaitable

import structlog
from django.conf import settings

from mailboxes.authentication import Principal, sign_in
from mailboxes.exceptions import ActingForAnother, AuthenticationFailed, TooManyFailures
from mailboxes.mechanisms import Attempt, authenticate_with
from mailboxes.pop3.maildrop import open_maildrop
from mailboxes.pop3.refusals import refusal
from mailboxes.pop3.session import Session, SessionOver
from mailhost.net.store_threads import in_store
from mailhost.protocols import sasl
from mailhost.protocols.pop3.commands import Auth, BadCommand, Pass, User
from mailhost.protocols.pop3.replies import listing, ok

log = structlog.get_logger(__name__)


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
    peer = session.connection.peer
    await _enter(session, sign_in(login=name, password=command.password, peer=peer, protocol="pop3"))


async def auth(session: Session, command: Auth) -> None:
    """Any mechanism of this host, with the initial response in the command or after a continuation."""
    if command.mechanism is None:
        await session.send_all(listing(ok("Mechanisms follow."), session.mechanisms))
        return
    _refuse_plaintext(session)
    if command.mechanism not in session.mechanisms:
        raise BadCommand("There is no such mechanism.")

    async def ask(octets: bytes) -> bytes:
        await session.send(b"+ " + sasl.encode_challenge(sasl.Challenge(octets)) + b"\r\n")
        return sasl.decode_response(await session.read_line())

    connection = session.connection
    given = command.initial_response
    initial = None if given is None else sasl.decode_initial_response(given)
    attempt = Attempt("pop3", connection.peer, connection.end_points, session.mechanisms, ask)
    await _enter(session, authenticate_with(command.mechanism, initial, attempt))


def _refuse_plaintext(session: Session) -> None:
    if not session.may_sign_in:
        raise BadCommand("Passwords need TLS here: use STLS, or the port for POP3 over TLS.")


async def _enter(session: Session, signing_in: Awaitable[Principal]) -> None:
    """Raises StoreUnavailable, LoginTooSoon, MaildropInUse, MailboxNotFound; too many wrong passwords end it all."""
    peer = session.connection.peer
    try:
        principal = await signing_in
    except (AuthenticationFailed, ActingForAnother, TooManyFailures) as failure:
        log.info("sign-in refused", peer=peer, reason=type(failure).__name__)
        session.login_failures += 1
        if session.login_failures >= settings.POP3_MAX_LOGIN_FAILURES:
            raise SessionOver(refusal(failure)) from failure
        raise
    holder = session.leases.new_holder()
    opened = await in_store(open_maildrop, account_id=principal.account_id, holder=holder)
    session.enter(principal, holder, opened)
    log.info("signed in", login=principal.login, peer=peer, tls=session.connection.is_tls)
    await session.send(ok(f"{len(opened.uids)} messages."))
