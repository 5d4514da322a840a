"""STORE and UID STORE (RFC 3501 section 6.4.6), conditional ones too (RFC 7162 section 3.1.3)."""

from collections.abc import Sequence
from itertools import chain

from django.utils import timezone

from mailboxes.imap.finding import positions
from mailboxes.imap.flags import split_flags
from mailboxes.imap.progress import with_progress
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.view import Ranges
from mailboxes.store.flags import store_flags
from mailboxes.store.values import Stored
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Store
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import Reply, no, ok
from mailhost.protocols.imap.sequence_sets import SequenceSet, format_set

LINES_AT_ONCE = 1_000


async def store(session: Session, command: Store) -> Reply:
    selected = session.mailbox
    selected.refuse_if_read_only()
    if command.unchanged_since is not None:
        if "CONDSTORE" in session.switched_off:
            raise ImapSyntaxError("expected FLAGS, +FLAGS or -FLAGS")
        session.enable("CONDSTORE")
    ranges = await resolve(selected, command.messages, by_uid=command.by_uid)
    flags, keywords = split_flags(command.flags)
    view = await selected.view()
    stored = await with_progress(
        session,
        in_store(
            store_flags,
            mailbox_id=selected.mailbox_id,
            # A conditional STORE names what is missing: that needs every UID.
            uids=view.span(ranges) if command.unchanged_since is None else view.uids_in(ranges),
            mode=command.mode.value,
            flags=flags,
            keywords=keywords,
            unchanged_since=command.unchanged_since,
            acting_id=session.account_id,
            now=timezone.now(),
        ),
    )
    selected.take_own_flags(stored)
    answered = _answered(selected, command, stored, ranges)
    for first in range(0, len(answered), LINES_AT_ONCE):
        some = answered[first : first + LINES_AT_ONCE]
        told = selected.flags_responses(some, with_uid=command.by_uid, with_flags=not command.is_silent)
        await session.tell(told)
    # A UID that is not there is no fault of UID STORE (RFC 3501 section 6.4.8).
    missing = [] if command.by_uid else stored.missing
    if not stored.newer and not missing:
        return ok("")
    selected.is_stale = True  # what made them newer is told before the reply
    code = f"MODIFIED {_numbers(selected, [*stored.newer, *missing], by_uid=command.by_uid)}"
    if missing:
        return no("Some of the messages no longer exist", code)
    return ok("Some of the messages have changed since", code)


def _answered(selected: Selected, command: Store, stored: Stored, ranges: Ranges) -> Sequence[int]:
    """The positions that are told at once.

    A conditional STORE tells the new mod-sequence of every message that it did not refuse, even where it is
    .SILENT; another .SILENT one what it changed, to a client that knows of mod-sequences at all.
    """
    if not command.is_silent or command.unchanged_since is not None:
        refused = {*stored.newer, *stored.missing}
        if not refused and len(ranges) == 1:
            return range(*ranges[0])
        each = chain.from_iterable(range(start, end) for start, end in ranges)
        return [p for p in each if selected.uid_at(p) not in refused] if refused else list(each)
    if not selected.tells_modseqs:
        return ()
    return selected.places(stored.changed.uids)


def _numbers(selected: Selected, uids: Sequence[int], *, by_uid: bool) -> str:
    """A set of messages as the command named them: UIDs, or sequence numbers."""
    if by_uid:
        return format_set(sorted(uids))
    return format_set(p + 1 for p in selected.places(sorted(uids)))


async def resolve(selected: Selected, messages: SequenceSet, *, by_uid: bool) -> Ranges:
    """The positions a command names. Raises ImapSyntaxError for sequence numbers that there are not."""
    return positions(selected, await selected.view(), messages, by_uid=by_uid)
