"""FETCH and UID FETCH (RFC 3501 section 6.4.5), of what changed since (RFC 7162 section 3.1.4)."""

from django.utils import timezone

from mailboxes.exceptions import NotPermitted
from mailboxes.imap.commands.store import resolve
from mailboxes.imap.fetching import Fetching
from mailboxes.imap.resyncing import tell_vanished
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailboxes.imap.view import Ranges
from mailboxes.store.flags import store_flags
from mailboxes.store.values import Flag
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Fetch
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import Attribute, extension_of, sets_seen
from mailhost.protocols.imap.responses import Reply, no, ok
from mailhost.protocols.imap.resync import ChangedSince


async def fetch(session: Session, command: Fetch) -> Reply:
    selected = session.mailbox
    items = command.items
    if command.changed_since is not None and Attribute.MODSEQ not in items:
        items = (*items, Attribute.MODSEQ)  # RFC 7162 section 3.1.4.1
    if any(extension_of(item) in session.switched_off for item in items):
        raise ImapSyntaxError("that is not a FETCH item")
    if Attribute.MODSEQ in items:
        session.enable("CONDSTORE")
    if command.changed_since is not None:
        await _look_again(session, command)
    ranges = await resolve(selected, command.messages, by_uid=command.by_uid)
    if command.partial is not None:
        if "PARTIAL" in session.switched_off:
            raise ImapSyntaxError("PARTIAL is not a modifier here")
        ranges = command.partial.page(ranges)
    if command.changed_since is not None:
        ranges = await _changed(session, command, command.changed_since, ranges)
    if command.by_uid and Attribute.UID not in items and not selected.tells_uids_only:
        items = (Attribute.UID, *items)
    reads_text = any(map(sets_seen, items))
    # RFC 4314 section 4: without the right s nothing is marked, and nobody is told off for reading.
    if (
        reads_text
        and not selected.is_read_only
        and "s" in selected.rights
        and await _mark_seen(session, ranges)
    ):
        told = (Attribute.FLAGS, Attribute.MODSEQ) if selected.tells_modseqs else (Attribute.FLAGS,)
        items = (*items, *(item for item in told if item not in items))
    fetching = Fetching(session, await selected.view(), items)
    await fetching.run(ranges)
    if fetching.undecodable:  # RFC 3516 section 4.3; the other messages were told
        return no("A part has a transfer encoding that nobody knows", "UNKNOWN-CTE")
    if fetching.missing:  # RFC 5530: expunged by another session, and kept no longer
        return ok("Some of the messages are gone", "EXPUNGEISSUED")
    return ok("")


async def _look_again(session: Session, command: Fetch) -> None:
    """What is new comes first, so that nothing older than this command is missing from the answer."""
    since = command.changed_since
    if since is not None and since.with_vanished and not (command.by_uid and "QRESYNC" in session.enabled):
        raise ImapSyntaxError("VANISHED is for UID FETCH, after ENABLE QRESYNC")  # RFC 7162 section 3.2.6
    await tell_changes(session, may_tell_expunges=command.by_uid, is_asked=True)


async def _changed(session: Session, command: Fetch, since: ChangedSince, ranges: Ranges) -> Ranges:
    """Those that have changed since; what vanished is told before them."""
    if since.with_vanished:
        await tell_vanished(session, since.modseq, command.messages)
    return (await session.mailbox.view()).changed_since(since.modseq, ranges)


async def _mark_seen(session: Session, ranges: Ranges) -> bool:
    """Set \\Seen where it is not set; whether any flags changed, which are then told with the rest."""
    selected = session.mailbox
    view = await selected.view()
    unseen = [
        view.uids[position]
        for start, end in ranges
        for position in range(start, end)
        if not view.flags[position] & Flag.SEEN
    ]
    if not unseen:
        return False
    try:
        stored = await in_store(
            store_flags,
            mailbox_id=selected.mailbox_id,
            uids=unseen,
            mode="add",
            flags=Flag.SEEN,
            acting_id=session.account_id,
            now=timezone.now(),
        )
    except NotPermitted:  # the right was taken, and this session has not heard of it yet
        return False
    selected.take_own_flags(stored)
    return bool(stored.changed)
