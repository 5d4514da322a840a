"""STLS (RFC 2595 section 4)."""

from mailboxes.pop3.session import Session
from mailhost.protocols.pop3.commands import Stls
from mailhost.protocols.pop3.replies import err, ok


async def stls(session: Session, command: Stls) -> None:
    """TLS from here on; what the client said before, piped commands too, is forgotten."""
    if session.tls is None or not session.may_start_tls:
        await session.send(
            err("TLS is active already." if session.connection.is_tls else "There is no TLS here.")
        )
        return
    await session.flush()
    await session.connection.start_tls(session.tls, announce=ok("Begin TLS."))
    session.user, session.has_utf8 = "", False
