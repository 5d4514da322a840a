"""CANCELUPDATE (RFC 5267 section 4.3.5)."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.contexts import CancelUpdate
from mailhost.protocols.imap.responses import Reply, no, ok


async def cancel_update(session: Session, command: CancelUpdate) -> Reply:
    if not session.mailbox.contexts.cancel(command.tags):
        return no("No search with that tag is being kept up to date")
    return ok("")
