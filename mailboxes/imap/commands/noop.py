"""NOOP and CHECK (RFC 3501 sections 6.1.2 and 6.4.1): look for changes now, whoever announced what."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Check, Noop
from mailhost.protocols.imap.responses import Reply, ok


async def noop(session: Session, command: Noop | Check) -> Reply:
    if session.selected is not None:
        session.selected.is_stale = True
    return ok("")
