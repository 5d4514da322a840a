"""Sequence sets: `1:5,7,10:*` (RFC 3501 section 9, sequence-set), of sequence numbers or of UIDs; `$` (RFC 5182)."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailhost.protocols.imap.cursor import MAX_NUMBER, Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError

_SEQUENCE_NUMBER = re.compile(rb"[0-9]{1,10}|\*")
# seq-number = nz-number / "*";  seq-range = seq-number ":" seq-number
# sequence-set = (seq-number / seq-range) *("," sequence-set)
_SEQUENCE_SET = re.compile(
    rb"(?:[0-9]{1,10}|\*)(?::(?:[0-9]{1,10}|\*))?(?:,(?:[0-9]{1,10}|\*)(?::(?:[0-9]{1,10}|\*))?)*"
)
_LAST = 0  # "*": the highest number there is


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges as written, each (from, to) with 0 for `*`; either end may be the larger one.

    `is_saved` is `$`: only the session knows which messages its last search saved. It has no ranges.
    """

    ranges: tuple[tuple[int, int], ...]
    is_saved: bool = False

    def __str__(self) -> str:
        if self.is_saved:
            return "$"
        return ",".join(
            (str(a) if a else "*") if a == b else f"{a or '*'}:{b or '*'}" for a, b in self.ranges
        )

    def resolve(self, last: int) -> list[tuple[int, int]]:
        """Ranges from low to high, none touching another, with `*` as `last`."""
        if len(self.ranges) == 1:  # what nearly every command names
            first, second = self.ranges[0]
            low, high = first or last, second or last
            return [(low, high) if low <= high else (high, low)]
        ordered = sorted((min(a or last, b or last), max(a or last, b or last)) for a, b in self.ranges)
        merged: list[tuple[int, int]] = []
        for low, high in ordered:
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], high))
            else:
                merged.append((low, high))
        return merged

    def positions(self, count: int) -> list[tuple[int, int]]:
        """As sequence numbers of a mailbox with `count` messages: half-open ranges of indices from 0.

        Raises ImapSyntaxError for a number beyond the last one (RFC 3501: such a command is BAD), but not where
        the other end is `*`: clients ask for `1:*` of an empty mailbox, and for `n:*` to see what is new."""
        if any(max(a, b) > count and a and b for a, b in self.ranges):
            raise ImapSyntaxError("there is no message with that sequence number")
        return self.positions_there_are(count)

    def positions_there_are(self, count: int) -> list[tuple[int, int]]:
        """As positions(), for search keys: numbers beyond the last one are no error (RFC 7377 section 2)."""
        return [(low - 1, min(high, count)) for low, high in self.resolve(count) if 0 < low <= count]

    def positions_of_uids(self, uids: Sequence[int]) -> list[tuple[int, int]]:
        """As UIDs: half-open ranges of indices into the ascending `uids`. A UID that is not there is no fault."""
        if not uids:
            return []
        found = ((bisect_left(uids, low), bisect_right(uids, high)) for low, high in self.resolve(uids[-1]))
        return [(start, end) for start, end in found if start < end]


SAVED = SequenceSet((), is_saved=True)


def take_sequence_number(cursor: Cursor) -> SequenceSet:
    """seq-number: a set of one."""
    number = _number(cursor.take(_SEQUENCE_NUMBER, "a message number"))
    return SequenceSet(((number, number),))


def take_sequence_set(cursor: Cursor) -> SequenceSet:
    """sequence-set =/ seq-last-command (RFC 5182 section 4); zero and numbers beyond 32 bits are refused."""
    if cursor.take_if(b"$"):
        return SAVED
    text = cursor.take(_SEQUENCE_SET, "a sequence set")
    ranges = []
    for item in text.split(b","):
        first, _, second = item.partition(b":")
        low = _number(first)
        ranges.append((low, _number(second) if second else low))
    return SequenceSet(tuple(ranges))


def _number(text: bytes) -> int:
    if text == b"*":
        return _LAST
    number = int(text)
    if not 0 < number <= MAX_NUMBER:
        raise ImapSyntaxError("a sequence number or UID is out of range")
    return number


def format_set(numbers: Iterable[int]) -> str:
    """Numbers in the order given as a set, runs as ranges: COPYUID pairs its two sets by order (RFC 4315)."""
    runs: list[str] = []
    start = end = 0
    for number in numbers:
        if start and number == end + 1:
            end = number
            continue
        if start:
            runs.append(str(start) if start == end else f"{start}:{end}")
        start = end = number
    if start:
        runs.append(str(start) if start == end else f"{start}:{end}")
    return ",".join(runs)
