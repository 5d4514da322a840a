"""A segment of the search index: the words of neighbouring messages of one mailbox, and in which of them each stands.

For each area there are the entries (see search_text.Area), sorted, between NULs, so that one look through them finds
all that hold a substring; and for each entry its postings, the places of the messages that have it. A place is a
message's number within the segment. Postings are 16-bit numbers, or a bitmap where that is shorter.
"""

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, groupby
from operator import itemgetter, sub

from mailboxes.store.search_text import Area, Words

MAX_MESSAGES = 16_384  # so places are short, and one segment is written anew within a second or two

# Where more entries than these hold what is sought, and so closely, looking at each is quicker than finding the next.
MANY_ENTRIES = 256
OCTETS_BETWEEN = 128
STRETCH_OCTETS = 65_536  # of words, between looks at whether all messages are found

_BITS = bytes.maketrans(b"01", b"\x00\x01")
_KEY = itemgetter(0)


@dataclass(slots=True)
class Entries:
    """One area. Entry n's postings are postings[offsets[n]:offsets[n + 1]]."""

    words: bytes
    offsets: "array[int]"
    postings: bytes

    @property
    def octets(self) -> int:
        return len(self.words) + len(self.postings) + 4 * len(self.offsets)


@dataclass(slots=True)
class Segment:
    """The messages with UIDs from first_uid to last_uid, in their order. Those at the places `unread` have no words."""

    first_uid: int
    last_uid: int
    uids: "array[int]"
    unread: "array[int]"
    size_octets: int  # of the messages
    areas: dict[Area, Entries]

    @property
    def octets(self) -> int:
        return sum(entries.octets for entries in self.areas.values())


def build(
    messages: Sequence[tuple[int, Words | None]], *, first_uid: int, last_uid: int, size_octets: int
) -> Segment:
    """Of messages in UID order with their words; None: unread."""
    areas: dict[Area, Entries] = {}
    for area in Area:
        places: dict[bytes, list[int]] = {}
        for place, (_, words) in enumerate(messages):
            if words is not None:
                for entry in words[area]:
                    places.setdefault(entry, []).append(place)
        areas[area] = _pack(((entry, places[entry]) for entry in sorted(places)), len(messages))
    unread = array("H", (place for place, (_, words) in enumerate(messages) if words is None))
    uids = array("I", (uid for uid, _ in messages))
    return Segment(first_uid, last_uid, uids, unread, size_octets, areas)


def merge(segments: Sequence[Segment], living: Container[int], *, size_octets: int) -> Segment:
    """Neighbours as one, of the living messages alone: at most MAX_MESSAGES, together of that size."""
    uids = array("I")
    unread = array("H")
    moved: list[list[int | None]] = []  # for each segment, its places' new ones
    for segment in segments:
        places: list[int | None] = []
        for uid in segment.uids:
            places.append(len(uids) if uid in living else None)
            if uid in living:
                uids.append(uid)
        moved.append(places)
        unread.extend(new for place in segment.unread if (new := places[place]) is not None)
    areas = {}
    for area in Area:
        columns = [
            _moved(segment.areas[area], len(segment.uids), places)
            for segment, places in zip(segments, moved, strict=True)
            if area in segment.areas
        ]
        areas[area] = _pack(_together(columns), len(uids))
    return Segment(segments[0].first_uid, segments[-1].last_uid, uids, unread, size_octets, areas)


def _moved(
    entries: Entries, message_count: int, moved: list[int | None]
) -> Iterator[tuple[bytes, list[int]]]:
    postings = memoryview(entries.postings)
    for entry, start, end in zip(_split(entries.words), entries.offsets, entries.offsets[1:], strict=False):
        places = [
            new for old in _unpack(postings[start:end], message_count) if (new := moved[old]) is not None
        ]
        if places:
            yield entry, places


def _together(columns: list[Iterator[tuple[bytes, list[int]]]]) -> Iterator[tuple[bytes, list[int]]]:
    for entry, group in groupby(
        heapq.merge(*columns, key=_KEY), key=_KEY
    ):  # of equals the earlier segment's first
        yield entry, [place for _, places in group for place in places]


def _pack(rows: Iterable[tuple[bytes, list[int]]], message_count: int) -> Entries:
    bitmap_octets = (message_count + 7) // 8
    words, offsets, postings = bytearray(b"\0"), array("I", [0]), bytearray()
    for entry, places in rows:
        words += entry
        words += b"\0"
        if 2 * len(places) < bitmap_octets:
            postings += array("H", places).tobytes()
        else:
            digits = bytearray(b"0" * message_count)
            for place in places:
                digits[~place] = 0x31
            postings += int(digits, 2).to_bytes(bitmap_octets, "little")
        offsets.append(len(postings))
    return Entries(bytes(words), offsets, bytes(postings))


def _split(words: bytes) -> list[bytes]:
    return words[1:-1].split(b"\0") if len(words) > 1 else []


def _unpack(octets: memoryview, message_count: int) -> Iterable[int]:
    if len(octets) == (message_count + 7) // 8:
        return compress(range(message_count), _flags_of_bitmap(octets, message_count))
    return array("H", octets.tobytes())


def _flags_of_bitmap(octets: bytes | memoryview, message_count: int) -> bytes:
    """One octet for each place, 0 or 1."""
    bits = int.from_bytes(octets, "little")
    return f"{bits:0{message_count}b}".encode().translate(_BITS)[::-1]


# --- looking -------------------------------------------------------------------------------------------------

Flags = int
"""A set of places: an octet for each, 0 or 1, the first one lowest. `&` and `|` work on it at memory's speed."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an entry has to hold, at its beginning or end where that is anchored."""

    octets: bytes
    at_start: bool = False
    at_end: bool = False

    def entries(self, words: bytes) -> list[int]:
        """The numbers of the entries that hold it, ascending."""
        sought = (b"\0" if self.at_start else b"") + self.octets + (b"\0" if self.at_end else b"")
        found: list[int] = []
        if b"\0" in self.octets or len(words) < 2:
            return found
        find, nuls = words.find, words.count
        number = counted = 0
        at = find(sought, 0 if self.at_start else 1)
        while at >= 0:
            if len(found) > MANY_ENTRIES and counted < OCTETS_BETWEEN * len(found) and not self.at_start:
                rest = words[counted:].split(b"\0")
                part, is_last = self.octets, self.at_end
                found += [
                    n
                    for n, entry in enumerate(rest[1:-1], number)
                    if part in entry and (not is_last or entry.endswith(part))
                ]
                break
            number += nuls(b"\0", counted, at)
            counted = at
            found.append(number if self.at_start else number - 1)
            at = find(sought, at + 1 if self.at_start else find(b"\0", at))
        return found


def exactly(entry: bytes) -> Pattern:
    return Pattern(entry, at_start=True, at_end=True)


def patterns_of(needle: bytes) -> list[Pattern]:
    """What a text that holds the needle has among its pieces: of the first an end, of the last a beginning."""
    parts = needle.split()
    last = len(parts) - 1
    starts_blank, ends_blank = needle[:1].isspace(), needle[-1:].isspace()
    return [
        Pattern(part, at_start=number > 0 or starts_blank, at_end=number < last or ends_blank)
        for number, part in enumerate(parts)
    ]


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as half-open ranges."""
    found: list[tuple[int, int]] = []
    start = end = -1
    for number in numbers:
        if number != end:
            if end > start:
                found.append((start, end))
            start = number
        end = number + 1
    if end > start:
        found.append((start, end))
    return found


def flags_of(postings: Iterable[bytes | memoryview], message_count: int) -> Flags:
    """All places of these postings."""
    bitmap_octets = (message_count + 7) // 8
    bits = 0
    numbers = bytearray()
    for octets in postings:
        if len(octets) == bitmap_octets:
            bits |= int.from_bytes(octets, "little")
        else:
            numbers += octets
    return _flags(bits, numbers, message_count)


def flags_of_many(
    ranges: Iterable[tuple[int, int]], offsets: "array[int]", postings: bytes, message_count: int
) -> Flags:
    """The same for ranges of entries, where all postings are there: without looking at each entry."""
    bitmap_octets = (message_count + 7) // 8
    sizes = map(sub, offsets[1:], offsets)
    bitmaps = [entry for entry, size in enumerate(sizes) if size == bitmap_octets]
    bits = at = 0
    numbers = bytearray()
    for start, end in ranges:
        at = bisect_left(bitmaps, start, at)
        while at < len(bitmaps) and bitmaps[at] < end:
            entry = bitmaps[at]
            numbers += postings[offsets[start] : offsets[entry]]
            bits |= int.from_bytes(postings[offsets[entry] : offsets[entry + 1]], "little")
            start = entry + 1
            at += 1
        numbers += postings[offsets[start] : offsets[end]]
    return _flags(bits, numbers, message_count)


def flags_of_common(
    pattern: Pattern, words: bytes, offsets: "array[int]", postings: bytes, message_count: int
) -> Flags:
    """The places of a pattern that is so short that nearly all messages have it: looks on until all are found."""
    every, found = all_flags(message_count), 0
    view = memoryview(postings)
    start = number = 0
    while start < len(words) - 1 and found != every:
        end = words.find(b"\0", start + STRETCH_OCTETS)
        stretch = words[start : end + 1 if end > 0 else len(words)]
        found |= flags_of(
            (
                view[offsets[entry] : offsets[entry + 1]]
                for n in pattern.entries(stretch)
                for entry in (number + n,)
            ),
            message_count,
        )
        number += stretch.count(b"\0") - 1
        start += len(stretch) - 1
    return found


def _flags(bits: int, numbers: bytearray, message_count: int) -> Flags:
    """Of a bitmap and 16-bit numbers."""
    if bits.bit_count() == message_count:
        return all_flags(message_count)
    flags = bytearray(message_count)
    for place in set(array("H", bytes(numbers))):
        flags[place] = 1
    found = int.from_bytes(flags, "little")
    if bits:
        text = f"{bits:0{message_count}b}".encode().translate(_BITS)
        found |= int.from_bytes(text, "big")
    return found


def flags_of_places(places: Iterable[int], message_count: int) -> Flags:
    flags = bytearray(message_count)
    for place in places:
        flags[place] = 1
    return int.from_bytes(flags, "little")


def all_flags(message_count: int) -> Flags:
    return int.from_bytes(b"\x01" * message_count, "little")


def uids_at(flags: Flags, uids: "array[int]") -> Iterator[int]:
    """The UIDs at these places."""
    return compress(uids, flags.to_bytes(len(uids), "little"))


def uid_ranges(flags: Flags, uids: "array[int]") -> list[tuple[int, int]]:
    """The same as half-open ranges, which may cover UIDs of no message."""
    places = list(compress(range(len(uids)), flags.to_bytes(len(uids), "little")))
    return [(uids[start], uids[end - 1] + 1) for start, end in runs(places)]
