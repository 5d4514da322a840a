"""RENAME (RFC 3501 section 6.3.5), inferior names included; INBOX's messages move and INBOX stays."""

from django.utils import timezone

from mailboxes.imap.naming import canonical, tell_name, without_separator
from mailboxes.imap.session import Session
from mailboxes.store.by_name import rename as rename_mailbox
from mailboxes.store.mailbox_names import INBOX
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Rename
from mailhost.protocols.imap.responses import Reply, ok


async def rename(session: Session, command: Rename) -> Reply:
    to = without_separator(command.to)
    await in_store(
        rename_mailbox, account_id=session.account_id, name=command.name, to=to, now=timezone.now()
    )
    if canonical(command.name) != INBOX:  # which is still called so
        await tell_name(session, canonical(to), supplied=canonical(command.name))
    return ok("")
