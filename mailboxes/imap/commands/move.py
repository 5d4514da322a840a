"""MOVE and UID MOVE (RFC 6851)."""

from collections.abc import Sequence

from django.utils import timezone

from mailboxes.imap.commands.copy import copyuid
from mailboxes.imap.commands.expunge import highest_modseq
from mailboxes.imap.commands.store import resolve
from mailboxes.imap.progress import with_progress
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailboxes.store.copy_and_move import move_messages
from mailboxes.store.rights import find
from mailboxes.store.values import Moved
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Move
from mailhost.protocols.imap.responses import Reply, ok, status_line


async def move(session: Session, command: Move) -> Reply:
    selected = session.mailbox
    selected.refuse_if_read_only()
    ranges = await resolve(selected, command.messages, by_uid=command.by_uid)
    uids = (await selected.view()).span(ranges)
    moved = await with_progress(session, in_store(_move, session.account_id, selected, uids, command.name))
    session.note_own_arrivals(command.name, moved.uids)
    if moved.uids:
        # Section 4.3: before the EXPUNGEs, so that the client knows where its messages went.
        session.write(status_line("*", "OK", "Moved UIDs.", copyuid(moved)))
    selected.take_own_vanished(moved.source_uids, moved.modseq)
    selected.is_stale = True
    if not moved.uids:
        return ok("")
    await tell_changes(session, may_tell_expunges=True, must_tell_expunges=True)
    return ok("", highest_modseq(session))


def _move(account_id: int, selected: Selected, uids: Sequence[int], name: str) -> Moved:
    target = find(account_id=account_id, name=name, needed="i")
    return move_messages(
        account_id=account_id,
        mailbox_id=selected.mailbox_id,
        owner_id=selected.owner_id,
        uids=uids,
        to_mailbox_id=target.mailbox_id,
        to_owner_id=target.account_id,
        now=timezone.now(),
    )
