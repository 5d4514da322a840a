"""Answering SEARCH's text keys from the index of one mailbox.

Each text key becomes UIDs: those that the index is sure of, and those where the message itself has to be asked. An
entry of the index holds no blank (of BODY and TEXT) or is a whole value (of FROM, TO, CC, BCC, SUBJECT), so that a
needle without blanks is answered for sure; of one with blanks the index knows in which messages its pieces stand.
What lies above `indexed_to` is left to whoever asks.
"""

import functools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

from django.conf import settings

from mailboxes.store.search_cache import NO_WORDS, CachedWords, Key, WordsCache
from mailboxes.store.search_segments import (
    Flags,
    Pattern,
    all_flags,
    exactly,
    flags_of,
    flags_of_common,
    flags_of_many,
    flags_of_places,
    patterns_of,
    runs,
    uid_ranges,
    uids_at,
)
from mailboxes.store.search_text import FIELD_AREAS, Area, to_octets
from mailhost.net.database import cursor, snapshot
from mailhost.protocols.caseless import fold
from mailhost.protocols.imap.search_keys import (
    And,
    HeaderHolds,
    Not,
    Or,
    SearchKey,
    TextHolds,
    TextScope,
    Uids,
)

OCTETS_AT_ONCE = 32 << 20  # of words
FEW_OCTETS = 128 << 20  # a look through that many takes a tenth of a second
INLINE_POSTINGS = 65_536  # octets: fewer than that come with the words
SHORT_OCTETS = 2  # needles that nearly all messages have
MAX_SLICES = 300  # beyond, reading all postings is quicker

SEGMENTS = """
SELECT index.indexed_to, mailbox.uid_next - 1, index.message_count, mailbox.message_count,
       segment.id, segment.octets, segment.uids, segment.unread
  FROM mailboxes_searchindex index JOIN mailboxes_mailbox mailbox ON mailbox.id = index.mailbox_id
  LEFT JOIN mailboxes_searchsegment segment ON segment.index_id = index.mailbox_id
 WHERE index.mailbox_id = %s
 ORDER BY segment.first_uid
"""
WORDS = f"""
SELECT segment.id, words.area, words.words, words.offsets,
       CASE WHEN octet_length(words.postings) <= {INLINE_POSTINGS} THEN words.postings END
  FROM mailboxes_searchsegment segment
  LEFT JOIN mailboxes_searchwords words ON words.segment_id = segment.id AND words.area = ANY(%s::smallint[])
 WHERE segment.id = ANY(%s::bigint[])
"""
POSTINGS = "SELECT postings FROM mailboxes_searchwords WHERE segment_id = %s AND area = %s"
SLICES = """
SELECT substring(postings FROM slice.start + 1 FOR slice.length)
  FROM mailboxes_searchwords, unnest(%s::integer[], %s::integer[]) WITH ORDINALITY slice(start, length, number)
 WHERE segment_id = %s AND area = %s ORDER BY slice.number
"""

Leaf = HeaderHolds | TextHolds
Ranges = list[tuple[int, int]]
Spot = tuple[Area, Pattern]


class ReadsMuch(Exception):
    """The answer takes longer than milliseconds."""


class _Part(NamedTuple):
    """What was found in one segment."""

    uids: "array[int]"
    found: Flags
    maybe: Flags


@dataclass(slots=True)
class Answer:
    """The messages that have what a key asks for, and those that may have it."""

    _parts: list[_Part] = field(default_factory=list)

    def add(self, uids: "array[int]", found: Flags, maybe: Flags) -> None:
        """`maybe` may include `found`."""
        if found | maybe:
            self._parts.append(_Part(uids, found, maybe & ~found))

    @property
    def is_certain(self) -> bool:
        return not any(part.maybe for part in self._parts)

    def uids(self) -> list[int]:
        """Of those found, ascending."""
        return [uid for part in self._parts for uid in uids_at(part.found, part.uids)]

    def found(self) -> Ranges:
        """Half-open ranges of UIDs that cover no other indexed message."""
        return [each for part in self._parts for each in uid_ranges(part.found, part.uids)]

    def maybe(self) -> Ranges:
        """The others, likewise."""
        return [each for part in self._parts for each in uid_ranges(part.maybe, part.uids)]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index says about messages with UIDs up to `indexed_to`."""

    indexed_to: int
    last_uid: int  # of the mailbox
    may_have_gone: bool  # messages that it knows
    answers: dict[Leaf, Answer]

    def resolved(self, key: SearchKey) -> SearchKey:
        """Its text keys as UIDs; what is not certain is still asked of the messages, but after the UIDs."""
        match key:
            case And(keys) | Or(keys):
                return type(key)(tuple(self.resolved(each) for each in keys))
            case Not(inner):
                return Not(self.resolved(inner))
            case HeaderHolds() | TextHolds():
                answer = self.answers[key]
                found = Uids(tuple(answer.found()))
                if answer.is_certain:
                    return found
                return Or((found, And((Uids(tuple(answer.maybe())), key))))
            case _:
                return key


class _Changed(Exception):
    """A segment went while it was read: a larger one is in its place."""


@dataclass(slots=True)
class _Segment:
    id: int
    octets: int
    uids: "array[int]"
    unread: Flags
    flags: dict[Spot, Flags] = field(default_factory=dict)

    def at(self, area: Area, pattern: Pattern) -> Flags:
        return self.flags.get((area, pattern), 0)


def ask(*, mailbox_id: int, leaves: Sequence[Leaf], is_patient: bool = True) -> Indexed | None:
    """What the index knows of these keys; None where the mailbox has no index. Raises ReadsMuch, unless is_patient."""
    try:
        return _ask(mailbox_id, leaves, is_patient)
    except _Changed:
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
            _look(sql, group, list(dict.fromkeys(spot for each in wanted.values() for spot in each.spots)))
            for segment in group:
                for leaf, answer in answers.items():
                    found, maybe = wanted[leaf].places(segment)
                    answer.add(segment.uids, found, maybe | segment.unread)
                segment.flags.clear()
    may_have_gone = indexed_count != message_count or last_uid != indexed_to
    return Indexed(indexed_to, last_uid, may_have_gone, answers)


def _segment(segment_id: int, octets: int, uids: bytes, unread: bytes) -> _Segment:
    message_count = len(uids) // 4
    return _Segment(segment_id, octets, array("I", uids), flags_of_places(array("H", unread), message_count))


def _groups(segments: Sequence[_Segment]) -> Iterator[list[_Segment]]:
    """Neighbours whose words are held together."""
    group: list[_Segment] = []
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

    def places(self, segment: _Segment) -> tuple[Flags, Flags]:
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

    def _all(self, segment: _Segment, area: Area) -> Flags:
        places = all_flags(len(segment.uids))
        for pattern in self.patterns:
            places &= segment.at(area, pattern)
        return places


def _look(sql: Any, group: Sequence[_Segment], spots: Sequence[Spot]) -> None:
    """Finds the spots' places in these segments. Raises _Changed."""
    by_id = {segment.id: segment for segment in group}
    behind: list[tuple[int, int, list[tuple[Spot, Ranges]], array[int]]] = []
    for (segment_id, area), (words, offsets, postings) in _words(sql, list(by_id), spots):
        segment = by_id[segment_id]
        short = [spot for spot in spots if spot[0] == area and len(spot[1].octets) <= SHORT_OCTETS]
        if short and postings is None:
            postings = _all_postings(sql, segment_id, area)
        for spot in short:
            segment.flags[spot] = flags_of_common(spot[1], words, offsets, postings or b"", len(segment.uids))
        matches = [
            (spot, runs(spot[1].entries(words))) for spot in spots if spot[0] == area and spot not in short
        ]
        matches = [(spot, ranges) for spot, ranges in matches if ranges]
        if postings is None and matches:
            behind.append((segment_id, area, matches, offsets))
        elif postings is not None and matches:
            _read_postings(segment, matches, offsets, postings)
    for segment_id, area, matches, offsets in behind:
        slices = [each for _, ranges in matches for each in ranges]
        if len(slices) > MAX_SLICES:
            _read_postings(by_id[segment_id], matches, offsets, _all_postings(sql, segment_id, area))
            continue
        starts = [offsets[start] for start, _ in slices]
        lengths = [offsets[end] - offsets[start] for start, end in slices]
        rows = sql.execute(SLICES, (starts, lengths, segment_id, area)).fetchall()
        if len(rows) != len(slices):
            raise _Changed
        read = iter(rows)
        for spot, ranges in matches:
            pieces = [
                octets
                for (start, end), (octets,) in zip(ranges, read, strict=False)
                for octets in _cut(memoryview(octets), offsets, start, end)
            ]
            by_id[segment_id].flags[spot] = flags_of(pieces, len(by_id[segment_id].uids))


def _words(sql: Any, segment_ids: Sequence[int], spots: Sequence[Spot]) -> Iterator[tuple[Key, CachedWords]]:
    """The words of these segments in the spots' areas. Raises _Changed."""
    cache = _cache(settings.SEARCH_CACHE_OCTETS)
    areas = sorted({int(area) for area, _ in spots})
    missing: set[Key] = set()
    for key in product(segment_ids, areas):
        known = cache.get(key)
        if known is None:
            missing.add(key)
        else:
            yield key, known
    if not missing:
        return
    gone = {segment_id for segment_id, _ in missing}
    wanted = sorted({area for _, area in missing})
    for segment_id, area, words, offsets, postings in sql.execute(WORDS, (wanted, list(gone))).fetchall():
        gone.discard(segment_id)
        key = (segment_id, area)
        if key in missing:
            missing.discard(key)
            read = CachedWords(words, array("I", offsets), postings)
            cache.put(key, read)
            yield key, read
    if gone:
        raise _Changed
    for key in missing:
        cache.put(key, NO_WORDS)


@functools.cache
def _cache(octets: int) -> WordsCache:
    """This process's."""
    return WordsCache(octets)


def _all_postings(sql: Any, segment_id: int, area: int) -> bytes:
    """Raises _Changed."""
    row = sql.execute(POSTINGS, (segment_id, area)).fetchone()
    if row is None:
        raise _Changed
    octets: bytes = row[0]
    return octets


def _read_postings(
    segment: _Segment, matches: list[tuple[Spot, Ranges]], offsets: "array[int]", postings: bytes
) -> None:
    message_count = len(segment.uids)
    for spot, ranges in matches:
        if sum(end - start for start, end in ranges) > len(offsets) // 16:
            segment.flags[spot] = flags_of_many(ranges, offsets, postings, message_count)
            continue
        pieces = (
            piece
            for start, end in ranges
            for piece in _cut(memoryview(postings)[offsets[start] : offsets[end]], offsets, start, end)
        )
        segment.flags[spot] = flags_of(pieces, message_count)


def _cut(octets: memoryview, offsets: "array[int]", start: int, end: int) -> Iterator[memoryview]:
    """The postings of entries start to end, which lie together."""
    base = offsets[start]
    for entry in range(start, end):
        yield octets[offsets[entry] - base : offsets[entry + 1] - base]
