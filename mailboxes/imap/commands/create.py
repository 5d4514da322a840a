"""CREATE (RFC 3501 section 6.3.3). A separator at the end only says that there will be inferior names."""

from django.utils import timezone

from mailboxes.imap.session import Session
from mailboxes.store.hierarchy import create_mailbox
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Create
from mailhost.protocols.imap.responses import Reply, ok


async def create(session: Session, command: Create) -> Reply:
    name = command.name.removesuffix("/")
    await in_store(create_mailbox, account_id=session.account_id, name=name, now=timezone.now())
    return ok("")
