"""What a session sees of its mailbox: UIDs, flags and mod-sequences by sequence number, as immutable arrays.

A view never changes; a change makes the next view. So sessions that have seen the same changes can share one.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from mailboxes.imap.flags import FLAG_WORDS, flag_words
from mailboxes.store.values import ChangedRows

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

    def places(self, uids: Sequence[int]) -> Sequence[int]:
        """The positions of these ascending UIDs, -1 where one is not here: a range where they are neighbours."""
        if not uids:
            return ()
        start = bisect_left(self.uids, uids[0])
        end = start + len(uids)
        if self.uids[start:end] == array(self.uids.typecode, uids):
            return range(start, end)
        if len(uids) * 16 < len(self.uids):
            return [-1 if (place := self.position(uid)) is None else place for uid in uids]
        known = dict(zip(self.uids, range(len(self.uids)), strict=True))  # asked often, quicker than halving
        return [known.get(uid, -1) for uid in uids]

    def span(self, ranges: Ranges) -> Sequence[int]:
        """As uids_in, for the store: one range of positions is one of UIDs.

        Between two UIDs of a view there is nothing that is not in it: what arrives has higher ones.
        """
        if len(ranges) == 1:
            return range(self.uids[ranges[0][0]], self.uids[ranges[0][1] - 1] + 1)
        return self.uids_in(ranges)

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

    def flags_texts(self, positions: Sequence[int], first_recent_uid: int) -> list[bytes]:
        """As flags_text, for each of them."""
        if self.keywords or (self.uids and self.uids[-1] >= first_recent_uid):
            return [self.flags_text(position, first_recent_uid) for position in positions]
        return [FLAG_WORDS[flags & 31] for flags in picked(self.flags, positions)]

    def count_from(self, uid: int) -> int:
        return len(self.uids) - bisect_left(self.uids, uid)

    def changed_since(self, modseq: int, ranges: Ranges) -> Ranges:
        """Those positions whose message changed after `modseq` (RFC 7162 section 3.1.4.1)."""
        modseqs = self.modseqs
        found = [p for start, end in ranges for p in range(start, end) if modseqs[p] > modseq]
        return list(position_runs(found))

    def with_changes(
        self, rows: ChangedRows, *, counts_modseqs: bool = False
    ) -> tuple["MailboxView", list[int]]:
        """The view after flag changes and arrivals, and the positions where flags differ from before.

        Arrivals have UIDs above the last one; rows between that are not here are passed over. With `counts_modseqs`
        a new mod-sequence alone is a difference too: flags that came and went.
        """
        uids, flags, modseqs = self.uids[:], self.flags[:], self.modseqs[:]
        old = bisect_right(rows.uids, uids[-1]) if uids else 0  # from there on they are arrivals
        places = self.places(rows.uids[:old])
        if isinstance(places, range):
            flags[places.start : places.stop] = rows.flags[:old]
            modseqs[places.start : places.stop] = rows.modseqs[:old]
        else:
            for place, row_flags, modseq in zip(places, rows.flags, rows.modseqs, strict=False):
                if place >= 0:
                    flags[place], modseqs[place] = row_flags, modseq
            places = [place for place in places if place >= 0]
        uids.extend(rows.uids[old:])
        flags.extend(rows.flags[old:])
        modseqs.extend(rows.modseqs[old:])
        keywords = self.keywords
        if keywords or rows.keywords:
            keywords = self._keywords_with(rows, [*picked(self.uids, places), *rows.uids[old:]])
        after = MailboxView(uids, flags, modseqs, keywords)
        if after == self:
            return self, []
        return after, self._differing(after, places, counts_modseqs)

    def _keywords_with(self, rows: ChangedRows, uids: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
        """The keywords after the changes, of which these UIDs are of this view."""
        keywords = dict(self.keywords)
        for uid in uids:
            keywords.pop(uid, None)
        keywords.update((uid, rows.keywords[uid]) for uid in uids if uid in rows.keywords)
        return keywords

    def _differing(self, after: "MailboxView", places: Sequence[int], counts_modseqs: bool) -> list[int]:
        """Those of the positions where the two views tell other flags."""
        columns = [(self.flags, after.flags)]
        if counts_modseqs:
            columns.append((self.modseqs, after.modseqs))
        found: set[int] = set()
        for before, now in columns:
            pairs = zip(places, picked(before, places), picked(now, places), strict=True)
            found.update([place for place, old, new in pairs if old != new])
        if self.keywords or after.keywords:
            told = ((place, self.uids[place]) for place in places)
            found.update(p for p, uid in told if self.keywords.get(uid) != after.keywords.get(uid))
        return sorted(found)

    def without(self, uids: Iterable[int]) -> tuple["MailboxView", list[int]]:
        """The view without these messages, and the positions they had, ascending."""
        gone = [place for place in self.places(sorted(uids)) if place >= 0]
        if not gone:
            return self, []
        left_uids, left_flags, left_modseqs = self.uids[:0], self.flags[:0], self.modseqs[:0]
        start = 0
        for first, end in [*position_runs(gone), (len(self.uids), len(self.uids))]:
            left_uids.extend(self.uids[start:first])
            left_flags.extend(self.flags[start:first])
            left_modseqs.extend(self.modseqs[start:first])
            start = end
        keywords = self.keywords
        if keywords:
            away = {self.uids[position] for position in gone}
            keywords = {uid: words for uid, words in keywords.items() if uid not in away}
        return MailboxView(left_uids, left_flags, left_modseqs, keywords), gone


def picked(column: "array[int]", positions: Sequence[int]) -> Sequence[int]:
    """What stands there in the column."""
    if isinstance(positions, range):
        return column[positions.start : positions.stop]
    return [column[position] for position in positions]


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
