"""Answering SEARCH's text keys from the index of one mailbox.

Each text key becomes UIDs: those that the index is sure of, and those where the message itself has to be asked. An
entry of the index holds no blank (of BODY and TEXT) or is a whole value (of FROM, TO, CC, BCC, SUBJECT), so that a
needle without blanks is answered for sure; of one with blanks the index knows in which messages its pieces stand.
What lies above `indexed_to` is left to whoever asks.
"""

from array import array
from collections.abc import Iterator, Sequence

from mailboxes.store.search_answers import Answer, Indexed, Leaf
from mailboxes.store.search_reading import Changed, Segment, Spot, look
from mailboxes.store.search_segments import Flags, Pattern, all_flags, exactly, flags_of_places, patterns_of
from mailboxes.store.search_text import FIELD_AREAS, Area, to_octets
from mailhost.net.database import cursor, snapshot
from mailhost.protocols.caseless import fold
from mailhost.protocols.imap.search_keys import TextHolds, TextScope

OCTETS_AT_ONCE = 32 << 20  # of words
FEW_OCTETS = 128 << 20  # a look through that many takes a tenth of a second

SEGMENTS = """
SELECT index.indexed_to, mailbox.uid_next - 1, index.message_count, mailbox.message_count,
       segment.id, segment.octets, segment.uids, segment.unread
  FROM mailboxes_searchindex index JOIN mailboxes_mailbox mailbox ON mailbox.id = index.mailbox_id
  LEFT JOIN mailboxes_searchsegment segment ON segment.index_id = index.mailbox_id
 WHERE index.mailbox_id = %s
 ORDER BY segment.first_uid
"""


class ReadsMuch(Exception):
    """The answer takes longer than milliseconds."""


def ask(*, mailbox_id: int, leaves: Sequence[Leaf], is_patient: bool = True) -> Indexed | None:
    """What the index knows of these keys; None where the mailbox has no index. Raises ReadsMuch, unless is_patient."""
    try:
        return _ask(mailbox_id, leaves, is_patient)
    except Changed:
        with snapshot():
            return _ask(mailbox_id, leaves, is_patient)


def _ask(mailbox_id: int, leaves: Sequence[Leaf], is_patient: bool) -> Indexed | None:
    wanted = {leaf: _Wanted(leaf) for leaf in leaves}
    with cursor() as sql:
        rows = sql.execute(SEGMENTS, (mailbox_id,)).fetchall()
        if not rows:
            return None
        indexed_to, last_uid, indexed_count, message_count = rows[0][:4]
        segments = [_segment(*row[4:]) for row in rows if row[4] is not None]
        if not is_patient and len(leaves) * sum(segment.octets for segment in segments) > FEW_OCTETS:
            raise ReadsMuch
        answers = {leaf: Answer() for leaf in wanted}
        for group in _groups(segments):
            look(sql, group, list(dict.fromkeys(spot for each in wanted.values() for spot in each.spots)))
            for segment in group:
                for leaf, answer in answers.items():
                    found, maybe = wanted[leaf].places(segment)
                    answer.add(segment.uids, found, maybe | segment.unread)
                segment.flags.clear()
    may_have_gone = indexed_count != message_count or last_uid != indexed_to
    return Indexed(indexed_to, last_uid, may_have_gone, answers)


def _segment(segment_id: int, octets: int, uids: bytes, unread: bytes) -> Segment:
    message_count = len(uids) // 4
    return Segment(segment_id, octets, array("I", uids), flags_of_places(array("H", unread), message_count))


def _groups(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Neighbours whose words are held together."""
    group: list[Segment] = []
    octets = 0
    for segment in segments:
        if group and octets + segment.octets > OCTETS_AT_ONCE:
            yield group
            group, octets = [], 0
        group.append(segment)
        octets += segment.octets
    if group:
        yield group


class _Wanted:
    """What a key wants to know of each area."""

    def __init__(self, leaf: Leaf) -> None:
        self.leaf = leaf
        needle = to_octets(fold(leaf.text))
        self.patterns = patterns_of(needle)
        # Unanchored, it is found wherever it stands; with blanks, only its pieces are.
        self.is_exact = self.patterns == [Pattern(needle)]
        if isinstance(leaf, TextHolds):
            areas = [Area.BODY] if leaf.scope is TextScope.BODY else [Area.BODY, Area.HEADERS]
            self.spots = [(area, pattern) for area in areas for pattern in self.patterns]
            return
        name = leaf.field.lower()
        self.presence: Spot = (Area.NAMES, exactly(to_octets(name)))
        self.certain: Spot | None = None
        if not needle:
            self.certain = self.presence
        elif name in FIELD_AREAS:
            self.certain = (FIELD_AREAS[name], Pattern(needle))
        others = [self.presence, *((Area.HEADERS, pattern) for pattern in self.patterns)]
        self.spots = others if self.certain is None else [self.certain]

    def places(self, segment: Segment) -> tuple[Flags, Flags]:
        """Where it is found, and where it may be, which includes that."""
        if isinstance(self.leaf, TextHolds):
            if not self.leaf.text:
                return all_flags(len(segment.uids)), 0
            places = self._all(segment, Area.BODY)
            if self.leaf.scope is TextScope.TEXT:
                places |= self._all(segment, Area.HEADERS)
            return (places, places) if self.is_exact else (0, places)
        if self.certain is not None:
            places = segment.at(*self.certain)
            return places, places
        return 0, segment.at(*self.presence) & self._all(segment, Area.HEADERS)

    def _all(self, segment: Segment, area: Area) -> Flags:
        places = all_flags(len(segment.uids))
        for pattern in self.patterns:
            places &= segment.at(area, pattern)
        return places
