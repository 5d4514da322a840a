"""CREATE (RFC 3501 section 6.3.3), with special use (RFC 6154 section 3) and MAILBOXID (RFC 8474 section 4.1)."""

from django.utils import timezone

from mailboxes.imap.naming import tell_name, without_separator
from mailboxes.imap.session import Session
from mailboxes.store.by_name import create as create_mailbox
from mailboxes.store.special_use import chosen_use
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Create
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.object_ids import mailbox_object_id
from mailhost.protocols.imap.responses import Reply, ok


async def create(session: Session, command: Create) -> Reply:
    if command.special_uses is not None and "CREATE-SPECIAL-USE" in session.switched_off:
        raise ImapSyntaxError("unexpected words at the end of the command")
    entry = await in_store(
        create_mailbox,
        account_id=session.account_id,
        name=without_separator(command.name),
        special_use=chosen_use(command.special_uses or ()),
        now=timezone.now(),
    )
    await tell_name(session, entry.name, supplied=without_separator(command.name))
    has_ids = "OBJECTID" not in session.switched_off
    return ok("", f"MAILBOXID ({mailbox_object_id(entry.mailbox_id)})" if has_ids else "")
