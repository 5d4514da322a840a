"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4)."""

from contextlib import nullcontext

from mailboxes.imap.session import Session
from mailboxes.imap.view import MailboxView
from mailboxes.store.search import reads_messages
from mailboxes.store.search import search as search_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Search
from mailhost.protocols.imap.flags import RECENT
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_keys import (
    And,
    HasFlag,
    Not,
    Or,
    SearchKey,
    SequenceNumbers,
    Uids,
    UidSet,
)


async def search(session: Session, command: Search) -> Reply:
    selected = session.mailbox
    # Arrivals are found and told; the client's numbers hold still, as nothing is expunged meanwhile.
    await session.tell_changes(may_tell_expunges=command.by_uid)
    view = await selected.view()
    key = _resolve(command.key, view, selected.first_recent_uid)
    async with session.host.searching if reads_messages(key) else nullcontext():
        uids = await in_store(search_messages, mailbox_id=selected.mailbox_id, key=key)
    if command.by_uid:
        found = [uid for uid in uids if view.position(uid) is not None]
    else:
        found = [position + 1 for uid in uids if (position := view.position(uid)) is not None]
    await session.send(b"* SEARCH%b\r\n" % b"".join(b" %d" % number for number in found))
    return ok("")


def _resolve(key: SearchKey, view: MailboxView, first_recent_uid: int) -> SearchKey:
    """The key with what only this session knows as UIDs: sequence numbers, `*`, \\Recent."""

    def resolve(key: SearchKey) -> SearchKey:
        match key:
            case And(keys) | Or(keys):
                return type(key)(tuple(resolve(each) for each in keys))
            case Not(inner):
                return Not(resolve(inner))
            case SequenceNumbers(numbers):
                return _uids(view, numbers.positions(len(view.uids)))
            case UidSet(uids):
                last = view.uids[-1] if view.uids else 0
                return Uids(tuple((low, high + 1) for low, high in uids.resolve(last)))
            case HasFlag(flag) if flag == RECENT:
                return Uids(((first_recent_uid, 1 << 32),))
            case _:
                return key

    return resolve(key)


def _uids(view: MailboxView, ranges: list[tuple[int, int]]) -> Uids:
    """Positions as UIDs: neighbours in the view are one range, as nothing of the view lies between them."""
    return Uids(tuple((view.uids[start], view.uids[end - 1] + 1) for start, end in ranges))
