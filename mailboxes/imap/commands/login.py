"""LOGIN (RFC 3501 section 6.2.3), and signing in as AUTHENTICATE shares it."""

from collections.abc import Awaitable

import structlog

from mailboxes.authentication import Principal
from mailboxes.exceptions import ActingForAnother, AuthenticationFailed, TooManyFailures
from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Login
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.states import State

log = structlog.get_logger(__name__)


async def login(session: Session, command: Login) -> Reply:
    refuse_plaintext(session)
    try:
        name, password = command.login.decode("utf-8"), command.password.decode("utf-8")
    except UnicodeDecodeError:
        # As any wrong password: counted, slowed, and not said to be different.
        name, password = command.login.decode("utf-8", "replace"), ""
    peer = session.connection.peer
    signing_in = session.host.logins.sign_in(login=name, password=password, peer=peer, protocol="imap")
    return await entering(session, signing_in)


def refuse_plaintext(session: Session) -> None:
    """LOGINDISABLED (section 6.2.3): the password must not cross the wire, nor be looked at if it did."""
    if not session.may_log_in:
        raise Refused("Plaintext login needs TLS: use STARTTLS or port 993.", "PRIVACYREQUIRED")


async def entering(session: Session, signing_in: Awaitable[Principal]) -> Reply:
    """The end of any sign-in; a client that goes on failing is sent away."""
    try:
        principal = await signing_in
    except (AuthenticationFailed, ActingForAnother, TooManyFailures) as failure:
        log.info("sign-in refused", peer=session.connection.peer, reason=type(failure).__name__)
        session.login_failures += 1
        if session.login_failures >= session.host.limits.login_failures:
            session.bye("Too many failed logins")
            session.state = State.LOGOUT
        raise
    if not session.host.accounts.admit(principal.account_id, session.connection.peer):
        raise Refused("Too many sessions of this account.", "LIMIT")
    session.enter(principal)
    peer, is_tls = session.connection.peer, session.connection.is_tls
    log.info("signed in", login=principal.login, peer=peer, tls=is_tls)
    # Section 7.2.1 allows the code here; it saves every client a round trip.
    return ok("Logged in", f"CAPABILITY {session.capabilities}")
