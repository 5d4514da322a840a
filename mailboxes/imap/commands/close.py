"""CLOSE (RFC 3501 section 6.4.2): expunge without telling, and leave."""

from django.utils import timezone

from mailboxes.imap.session import Session
from mailboxes.store.expunge import expunge as expunge_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Close
from mailhost.protocols.imap.responses import Reply, ok


async def close(session: Session, command: Close) -> Reply:
    selected = session.mailbox
    if not selected.is_read_only:
        await in_store(expunge_messages, mailbox_id=selected.mailbox_id, now=timezone.now())
    await session.deselect()
    return ok("")
