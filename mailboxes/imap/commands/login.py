"""LOGIN (RFC 3501 section 6.2.3), and signing in as AUTHENTICATE shares it."""

import structlog

from mailboxes.authentication import sign_in
from mailboxes.exceptions import AuthenticationFailed, TooManyFailures
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
    return await enter(session, login=name, password=password)


def refuse_plaintext(session: Session) -> None:
    """LOGINDISABLED (section 6.2.3): the password must not cross the wire, nor be looked at if it did."""
    if not session.may_log_in:
        raise Refused("Plaintext login needs TLS: use STARTTLS or port 993.", "PRIVACYREQUIRED")


async def enter(session: Session, *, login: str, password: str) -> Reply:
    """Sign in; a client that goes on failing is sent away."""
    try:
        principal = await sign_in(
            login=login, password=password, peer=session.connection.peer, protocol="imap"
        )
    except (AuthenticationFailed, TooManyFailures):
        session.login_failures += 1
        if session.login_failures >= session.host.limits.login_failures:
            session.bye("Too many failed logins")
            session.state = State.LOGOUT
        raise
    session.enter(principal)
    # Section 7.2.1 allows the code here; it saves every client a round trip.
    return ok("Logged in", f"CAPABILITY {session.capabilities}")
