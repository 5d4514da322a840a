"""DELETE (RFC 3501 section 6.3.4). Inferior mailboxes stay; LIST then shows the name as \\Noselect."""

from django.utils import timezone

from mailboxes.imap.session import Session
from mailboxes.store.hierarchy import delete_mailbox, find_mailbox
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Delete
from mailhost.protocols.imap.responses import Reply, ok


async def delete(session: Session, command: Delete) -> Reply:
    mailbox_id = await in_store(_delete, session.account_id, command.name)
    if session.selected is not None and session.selected.mailbox_id == mailbox_id:
        await session.deselect()
    return ok("")


def _delete(account_id: int, name: str) -> int:
    entry = find_mailbox(account_id=account_id, name=name)
    delete_mailbox(account_id=account_id, name=name, now=timezone.now())
    return entry.mailbox_id
