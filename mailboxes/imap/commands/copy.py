"""COPY and UID COPY (RFC 3501 section 6.4.7) with COPYUID (RFC 4315 section 3)."""

from collections.abc import Sequence

from django.utils import timezone

from mailboxes.imap.commands.store import resolve
from mailboxes.imap.progress import with_progress
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.store.copy_and_move import copy_messages
from mailboxes.store.rights import find
from mailboxes.store.values import Copied, Moved
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Copy
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.sequence_sets import format_set


async def copy(session: Session, command: Copy) -> Reply:
    selected = session.mailbox
    ranges = await resolve(selected, command.messages, by_uid=command.by_uid)
    uids = (await selected.view()).span(ranges)
    copied = await with_progress(session, in_store(_copy, session.account_id, selected, uids, command.name))
    session.note_own_arrivals(command.name, copied.uids)
    selected.is_stale = True  # the target may be this mailbox
    return ok("", copyuid(copied))


def _copy(account_id: int, selected: Selected, uids: Sequence[int], name: str) -> Copied:
    target = find(account_id=account_id, name=name, needed="i")
    return copy_messages(
        account_id=account_id,
        mailbox_id=selected.mailbox_id,
        owner_id=selected.owner_id,
        uids=uids,
        to_mailbox_id=target.mailbox_id,
        to_owner_id=target.account_id,
        now=timezone.now(),
    )


def copyuid(done: Copied | Moved) -> str:
    """The response code; none where nothing was there to copy."""
    if not done.uids:
        return ""
    return f"COPYUID {done.uid_validity} {format_set(done.source_uids)} {format_set(done.uids)}"
