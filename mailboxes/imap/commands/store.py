"""STORE and UID STORE (RFC 3501 section 6.4.6)."""

from django.utils import timezone

from mailboxes.imap.flags import split_flags
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.view import Ranges
from mailboxes.store.flags import store_flags
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Store
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.sequence_sets import SequenceSet

LINES_AT_ONCE = 1_000


async def store(session: Session, command: Store) -> Reply:
    selected = session.mailbox
    selected.refuse_if_read_only()
    ranges = await resolve(selected, command.messages, by_uid=command.by_uid)
    flags, keywords = split_flags(command.flags)
    view = await selected.view()
    stored = await in_store(
        store_flags,
        mailbox_id=selected.mailbox_id,
        uids=view.uids_in(ranges),
        mode=command.mode.value,
        flags=flags,
        keywords=keywords,
        now=timezone.now(),
    )
    selected.take_own_flags(stored)
    if not command.is_silent:
        positions = [position for start, end in ranges for position in range(start, end)]
        for first in range(0, len(positions), LINES_AT_ONCE):
            some = positions[first : first + LINES_AT_ONCE]
            await session.send(selected.flags_responses(some, with_uid=command.by_uid))
    return ok("")


async def resolve(selected: Selected, messages: SequenceSet, *, by_uid: bool) -> Ranges:
    """The positions a command names. Raises ImapSyntaxError for sequence numbers that there are not."""
    view = await selected.view()
    return messages.positions_of_uids(view.uids) if by_uid else messages.positions(len(view.uids))
