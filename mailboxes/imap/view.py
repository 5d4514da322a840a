"""What a session sees of its mailbox: UIDs, flags and mod-sequences by sequence number, as immutable arrays.

A view never changes; a change makes the next view. So sessions that have seen the same changes can share one.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from mailboxes.imap.flags import flag_words
from mailboxes.store.values import ChangedRow

Ranges = Sequence[tuple[int, int]]  # half-open ranges of positions (sequence number minus one), ascending


@dataclass(frozen=True, slots=True, weakref_slot=True)
class MailboxView:
    """Arrays by position. `keywords` names only the messages that have some."""

    uids: "array[int]"
    flags: "array[int]"
    modseqs: "array[int]"
    keywords: Mapping[int, tuple[str, ...]]

    def position(self, uid: int) -> int | None:
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def uids_in(self, ranges: Ranges) -> "array[int]":
        """The UIDs at these positions, ascending."""
        if len(ranges) == 1:
            return self.uids[ranges[0][0] : ranges[0][1]]
        found = self.uids[:0]
        for start, end in ranges:
            found.extend(self.uids[start:end])
        return found

    def flags_text(self, position: int, first_recent_uid: int) -> bytes:
        """What stands in FLAGS ( … )."""
        uid = self.uids[position]
        words = flag_words(self.flags[position])
        if uid >= first_recent_uid:
            words = words + b" \\Recent" if words else b"\\Recent"
        if uid in self.keywords:
            own = " ".join(self.keywords[uid]).encode("ascii", "replace")
            words = words + b" " + own if words else own
        return words

    def count_from(self, uid: int) -> int:
        return len(self.uids) - bisect_left(self.uids, uid)

    def changed_since(self, modseq: int, ranges: Ranges) -> Ranges:
        """Those positions whose message changed after `modseq` (RFC 7162 section 3.1.4.1)."""
        modseqs = self.modseqs
        found = [p for start, end in ranges for p in range(start, end) if modseqs[p] > modseq]
        return list(position_runs(found))

    def with_changes(
        self, rows: Iterable[ChangedRow], *, counts_modseqs: bool = False
    ) -> tuple["MailboxView", list[int]]:
        """The view after flag changes and arrivals, and the positions where flags differ from before.

        Rows come in UID order. Arrivals have UIDs above the last one; rows between that are not here are passed
        over. With `counts_modseqs` a new mod-sequence alone is a difference too: flags that came and went.
        """
        uids, flags, modseqs, keywords = self.uids[:], self.flags[:], self.modseqs[:], dict(self.keywords)
        differing: list[int] = []
        is_newer = False
        count = len(uids)
        last = uids[-1] if uids else 0
        position = -1
        for row in rows:
            uid = row.uid
            if uid > last:
                uids.append(uid)
                flags.append(row.flags)
                modseqs.append(row.modseq)
            else:
                position += 1  # the next one, where whole ranges change
                if position >= count or uids[position] != uid:
                    position = bisect_left(uids, uid, 0, count)
                    if position >= count or uids[position] != uid:
                        continue
                restamped = modseqs[position] != row.modseq
                if restamped:
                    modseqs[position] = row.modseq
                    is_newer = True
                if flags[position] == row.flags and keywords.get(uid, ()) == row.keywords:
                    if restamped and counts_modseqs:
                        differing.append(position)
                    continue
                flags[position] = row.flags
                differing.append(position)
            if row.keywords:
                keywords[uid] = row.keywords
            elif uid in keywords:
                del keywords[uid]
        if not differing and not is_newer and len(uids) == count:
            return self, []
        return MailboxView(uids, flags, modseqs, keywords), differing

    def without(self, uids: Iterable[int]) -> tuple["MailboxView", list[int]]:
        """The view without these messages, and the positions they had, ascending."""
        gone = sorted({position for uid in uids if (position := self.position(uid)) is not None})
        if not gone:
            return self, []
        left_uids, left_flags, left_modseqs = self.uids[:0], self.flags[:0], self.modseqs[:0]
        start = 0
        for position in [*gone, len(self.uids)]:
            left_uids.extend(self.uids[start:position])
            left_flags.extend(self.flags[start:position])
            left_modseqs.extend(self.modseqs[start:position])
            start = position + 1
        away = {self.uids[position] for position in gone}
        keywords = {uid: words for uid, words in self.keywords.items() if uid not in away}
        return MailboxView(left_uids, left_flags, left_modseqs, keywords), gone


def position_runs(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending positions as half-open ranges."""
    start = end = -1
    for position in positions:
        if position != end:
            if end > start:
                yield start, end
            start = position
        end = position + 1
    if end > start:
        yield start, end


class SharedViews:
    """Views that some session of this process holds, by mailbox and MODSEQ: equal states are one object."""

    def __init__(self) -> None:
        self._views: WeakValueDictionary[tuple[int, int], MailboxView] = WeakValueDictionary()

    def find(self, mailbox_id: int, modseq: int) -> MailboxView | None:
        return self._views.get((mailbox_id, modseq))

    def share(self, mailbox_id: int, modseq: int, view: MailboxView) -> MailboxView:
        """The one view of that state: another session's if it came first."""
        return self._views.setdefault((mailbox_id, modseq), view)
