"""UNAUTHENTICATE (RFC 8437): back to the state before the login, on the same connection."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.enabling import Unauthenticate
from mailhost.protocols.imap.responses import Reply, bad, ok


async def unauthenticate(session: Session, command: Unauthenticate) -> Reply | None:
    connection = session.connection
    if connection.is_compressed and connection.has_input:
        return bad("Nothing may be sent behind UNAUTHENTICATE before its reply")
    await session.deselect()
    session.leave()
    reply = ok("Logged out", f"CAPABILITY {session.capabilities}")
    if not connection.is_compressed:
        return reply
    # Section 4.1: compression ends with the command for the client, and with its reply for the server.
    connection.end_compression(announce=reply.to_wire(session.tag))
    return None
