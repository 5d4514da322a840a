"""RENAME (RFC 3501 section 6.3.5), inferior names included; INBOX's messages move and INBOX stays."""

from django.utils import timezone

from mailboxes.imap.session import Session
from mailboxes.store.hierarchy import rename_mailbox
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Rename
from mailhost.protocols.imap.responses import Reply, ok


async def rename(session: Session, command: Rename) -> Reply:
    await in_store(
        rename_mailbox,
        account_id=session.account_id,
        name=command.name,
        to=command.to.removesuffix("/"),
        now=timezone.now(),
    )
    return ok("")
