"""Reading the index: where in some of its segments the words stand that are looked for.

Words are kept at hand (search_cache.py); postings come with them where they are few, and otherwise in slices.
"""

import functools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from django.conf import settings

from mailboxes.store.search_answers import Ranges
from mailboxes.store.search_cache import NO_WORDS, CachedWords, Key, WordsCache
from mailboxes.store.search_segments import Flags, Pattern, flags_of, flags_of_common, flags_of_many, runs
from mailboxes.store.search_text import Area

INLINE_POSTINGS = 65_536  # octets: fewer than that come with the words
SHORT_OCTETS = 2  # needles that nearly all messages have
MAX_SLICES = 300  # beyond, reading all postings is quicker

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

Spot = tuple[Area, Pattern]


class Changed(Exception):
    """A segment went while it was read: a larger one is in its place."""


@dataclass(slots=True)
class Segment:
    """Some messages of a mailbox that were indexed together, and where in it each spot was found."""

    id: int
    octets: int
    uids: "array[int]"
    unread: Flags
    flags: dict[Spot, Flags] = field(default_factory=dict)

    def at(self, area: Area, pattern: Pattern) -> Flags:
        return self.flags.get((area, pattern), 0)


def look(sql: Any, group: Sequence[Segment], spots: Sequence[Spot]) -> None:
    """Finds the spots' places in these segments. Raises Changed."""
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
            raise Changed
        read = iter(rows)
        for spot, ranges in matches:
            pieces = [
                octets
                for (start, end), (octets,) in zip(ranges, read, strict=False)
                for octets in _cut(memoryview(octets), offsets, start, end)
            ]
            by_id[segment_id].flags[spot] = flags_of(pieces, len(by_id[segment_id].uids))


def _words(sql: Any, segment_ids: Sequence[int], spots: Sequence[Spot]) -> Iterator[tuple[Key, CachedWords]]:
    """The words of these segments in the spots' areas. Raises Changed."""
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
        raise Changed
    for key in missing:
        cache.put(key, NO_WORDS)


@functools.cache
def _cache(octets: int) -> WordsCache:
    """This process's."""
    return WordsCache(octets)


def _all_postings(sql: Any, segment_id: int, area: int) -> bytes:
    """Raises Changed."""
    row = sql.execute(POSTINGS, (segment_id, area)).fetchone()
    if row is None:
        raise Changed
    octets: bytes = row[0]
    return octets


def _read_postings(
    segment: Segment, matches: list[tuple[Spot, Ranges]], offsets: "array[int]", postings: bytes
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
