"""STARTTLS (RFC 3501 section 6.2.1)."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import StartTls
from mailhost.protocols.imap.responses import Reply, bad, ok


async def start_tls(session: Session, command: StartTls) -> Reply | None:
    if session.host.tls is None or session.connection.is_tls:
        return bad("TLS is active already" if session.connection.is_tls else "There is no TLS here")
    reply = ok("Begin TLS negotiation now")
    # What was pipelined behind this line in plaintext is dropped by the connection (command injection).
    await session.connection.start_tls(session.host.tls, announce=reply.to_wire(session.tag))
    return None
