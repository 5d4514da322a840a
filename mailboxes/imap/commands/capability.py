"""CAPABILITY (RFC 3501 section 6.1.1)."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Capability
from mailhost.protocols.imap.responses import Reply, ok, untagged


async def capability(session: Session, command: Capability) -> Reply:
    session.write(untagged(f"CAPABILITY {session.capabilities}"))
    return ok("")
