"""What a client missed of a mailbox: UIDs that vanished, messages that changed (RFC 7162 sections 3.2.5 and 3.2.6)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from mailboxes.imap.session import Session
from mailboxes.store.changes import vanished_between
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.resync import Resync, runs, vanished
from mailhost.protocols.imap.sequence_sets import SequenceSet

ClosedRanges = Sequence[tuple[int, int]]  # of UIDs, both ends included, ascending
MESSAGES_AT_ONCE = 1_000


async def resync(session: Session, known: Resync) -> None:
    """SELECT's QRESYNC parameter: as UID FETCH known-uids (FLAGS) (CHANGEDSINCE modseq VANISHED) would answer."""
    selected = session.mailbox
    if known.uid_validity != selected.uid_validity:
        return  # section 3.2.5: all that the client knows is of another mailbox
    view = await selected.view()
    uids = known.known_uids
    await tell_vanished(session, known.modseq, uids, matched_uid=_matched_uid(view.uids, known.known_pairs))
    among = [(0, len(view.uids))] if uids is None else uids.positions_of_uids(view.uids)
    changed = view.changed_since(known.modseq, among)
    positions = [position for start, end in changed for position in range(start, end)]
    for first in range(0, len(positions), MESSAGES_AT_ONCE):
        some = positions[first : first + MESSAGES_AT_ONCE]
        await session.send(selected.flags_responses(some, with_uid=True))


async def tell_vanished(
    session: Session, modseq: int, among: SequenceSet | None, *, matched_uid: int = 0
) -> None:
    """VANISHED (EARLIER) for what vanished after `modseq` and is not in the session's view any more.

    Where that is not known any more, every UID that is not there is named; up to `matched_uid` the client has said
    that it knows which are.
    """
    selected = session.mailbox
    view = await selected.view()
    last = selected.uid_next - 1
    if among is None:
        asked: ClosedRanges = [(1, last)]
    else:
        asked = [*runs(selected.saved)] if among.is_saved else among.resolve(last)
    gone = await in_store(
        vanished_between, mailbox_id=selected.mailbox_id, modseq=modseq, up_to=selected.modseq
    )
    if gone is None:
        gone = [(matched_uid + 1, last)]
    for line in vanished(without(intersection(asked, gone), view.uids), is_earlier=True):
        await session.send(line)


def _matched_uid(uids: Sequence[int], pairs: Iterable[tuple[int, int]]) -> int:
    """The highest UID that still has the sequence number that the client knows: below it nothing has vanished."""
    matched = 0
    for number, uid in pairs:
        if number > len(uids) or uids[number - 1] != uid:
            break
        matched = uid
    return matched


def intersection(some: ClosedRanges, others: ClosedRanges) -> Iterator[tuple[int, int]]:
    """What is in both."""
    at = 0
    for low, high in some:
        while at < len(others) and others[at][1] < low:
            at += 1
        each = at
        while each < len(others) and others[each][0] <= high:
            yield max(low, others[each][0]), min(high, others[each][1])
            each += 1


def without(ranges: Iterable[tuple[int, int]], uids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The ranges without these ascending UIDs."""
    for low, high in ranges:
        at = bisect_left(uids, low)
        while at < len(uids) and uids[at] <= high:
            if low < uids[at]:
                yield low, uids[at] - 1
            low = uids[at] + 1
            at += 1
        if low <= high:
            yield low, high
