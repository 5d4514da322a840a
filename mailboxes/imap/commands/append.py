"""APPEND (RFC 3501 section 6.3.11) with APPENDUID (RFC 4315 section 3)."""

from django.utils import timezone

from mailboxes.imap.flags import split_flags
from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailboxes.store.append import append as append_messages
from mailboxes.store.append import prepare
from mailboxes.store.rights import find
from mailboxes.store.values import Appended, NewMessage
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Append
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.sequence_sets import format_set


async def append(session: Session, command: Append) -> Reply:
    if not command.octets:
        raise Refused("An empty message cannot be appended.", "CANNOT")
    appended = await in_store(_append, session.account_id, command)
    if session.selected is not None:
        session.selected.is_stale = True  # it may have gone there: section 6.3.11 wants EXISTS at once
    return ok("", f"APPENDUID {appended.uid_validity} {format_set(appended.uids)}")


def _append(account_id: int, command: Append) -> Appended:
    target = find(account_id=account_id, name=command.name, needed="i")
    flags, keywords = split_flags(command.flags)
    message = NewMessage(prepare(command.octets), flags, keywords, command.internal_date)
    return append_messages(
        account_id=target.account_id,
        mailbox_id=target.mailbox_id,
        contents=[message],
        acting_id=account_id,
        now=timezone.now(),
    )
