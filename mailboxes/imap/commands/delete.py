"""DELETE (RFC 3501 section 6.3.4). Inferior mailboxes stay; LIST then shows the name as \\Noselect."""

from django.utils import timezone

from mailboxes.imap.naming import canonical, tell_name
from mailboxes.imap.session import Session
from mailboxes.store.by_name import delete as delete_mailbox
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Delete
from mailhost.protocols.imap.responses import Reply, ok


async def delete(session: Session, command: Delete) -> Reply:
    mailbox_id = await in_store(
        delete_mailbox, account_id=session.account_id, name=command.name, now=timezone.now()
    )
    if session.selected is not None and session.selected.mailbox_id == mailbox_id:
        await session.deselect()
    await tell_name(session, canonical(command.name), supplied=command.name)
    return ok("")
