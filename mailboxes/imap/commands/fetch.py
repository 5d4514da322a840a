"""FETCH and UID FETCH (RFC 3501 section 6.4.5)."""

from django.utils import timezone

from mailboxes.imap.commands.store import resolve
from mailboxes.imap.fetching import Fetching
from mailboxes.imap.session import Session
from mailboxes.imap.view import Ranges
from mailboxes.store.flags import store_flags
from mailboxes.store.values import Flag
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Fetch
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import Attribute, extension_of, sets_seen
from mailhost.protocols.imap.responses import Reply, no, ok


async def fetch(session: Session, command: Fetch) -> Reply:
    selected = session.mailbox
    ranges = await resolve(selected, command.messages, by_uid=command.by_uid)
    items = command.items
    if any(extension_of(item) in session.switched_off for item in items):
        raise ImapSyntaxError("that is not a FETCH item")
    if command.by_uid and Attribute.UID not in items:
        items = (Attribute.UID, *items)
    reads_text = any(map(sets_seen, items))
    if reads_text and not selected.is_read_only and await _mark_seen(session, ranges):
        items = items if Attribute.FLAGS in items else (*items, Attribute.FLAGS)
    fetching = Fetching(session, await selected.view(), items)
    await fetching.run(ranges)
    if fetching.undecodable:  # RFC 3516 section 4.3; the other messages were told
        return no("A part has a transfer encoding that nobody knows", "UNKNOWN-CTE")
    if fetching.missing:  # RFC 5530: expunged by another session, and kept no longer
        return ok("Some of the messages are gone", "EXPUNGEISSUED")
    return ok("")


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
    stored = await in_store(
        store_flags,
        mailbox_id=selected.mailbox_id,
        uids=unseen,
        mode="add",
        flags=Flag.SEEN,
        now=timezone.now(),
    )
    selected.take_own_flags(stored)
    return bool(stored.changed)
