"""What SEARCH, SORT and ESEARCH return: RETURN ( … ) as a value.

RFC 4731 and RFC 9051 section 6.4.4 (MIN, MAX, ALL, COUNT), RFC 5182 (SAVE), RFC 5267 (UPDATE, CONTEXT), RFC 9394
(PARTIAL, as it also stands in FETCH).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailhost.protocols.imap.cursor import MAX_NUMBER, Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError

# The capability that each word comes with; one that is switched off is not known.
OPTIONS = {
    "MIN": "ESEARCH",
    "MAX": "ESEARCH",
    "ALL": "ESEARCH",
    "COUNT": "ESEARCH",
    "SAVE": "SEARCHRES",
    "UPDATE": "CONTEXT=SEARCH",
    "CONTEXT": "CONTEXT=SEARCH",
    "PARTIAL": "PARTIAL",
}
# partial-range-first = nz-number ":" nz-number;  partial-range-last = MINUS nz-number ":" MINUS nz-number
_PARTIAL_RANGE = re.compile(rb"(-?)([0-9]{1,10}):(-?)([0-9]{1,10})")
MAX_OPTIONS = 20


@dataclass(frozen=True, slots=True)
class PartialRange:
    """Results counted from 1, or from -1, which is the last; either end may be the larger one."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"

    def bounds(self, count: int) -> tuple[int, int]:
        """Half-open, of indices from 0 into `count` results; empty where none of them is meant."""
        low, high = min(self.first, self.last), max(self.first, self.last)
        if low > 0:
            return min(low - 1, count), min(high, count)
        return max(count + low, 0), max(count + high + 1, 0)

    def page(self, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of half-open ranges of positions, those that the page holds."""
        start, end = self.bounds(sum(high - low for low, high in ranges))
        page = []
        before = 0
        for low, high in ranges:
            first, last = max(low, low + start - before), min(high, low + end - before)
            if first < last:
                page.append((first, last))
            before += high - low
        return page


@dataclass(frozen=True, slots=True)
class ReturnOptions:
    """Words in upper case; PARTIAL is among them where `partial` says which."""

    words: frozenset[str]
    partial: PartialRange | None = None

    @property
    def tells_something(self) -> bool:
        """RFC 5182 section 2.4: with SAVE alone there is no ESEARCH response."""
        return self.words != {"SAVE"}

    @property
    def saves_all(self) -> bool:
        """Without ALL and COUNT, MIN, MAX and PARTIAL narrow it (RFC 5182 section 2.4, RFC 9394 section 3.2)."""
        return not self.words & {"MIN", "MAX", "PARTIAL"} or bool(self.words & {"ALL", "COUNT"})


EVERYTHING = ReturnOptions(frozenset({"ALL"}))


def take_return_options(cursor: Cursor) -> ReturnOptions | None:
    """["RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP]; an empty list means ALL."""
    if not cursor.take_if(b"RETURN "):
        return None
    words: list[str] = []
    partials: list[PartialRange] = []

    def take_option(inner: Cursor) -> None:
        word = inner.word("a return option")
        if word not in OPTIONS:
            raise ImapSyntaxError(f"{word[:40]} is not a return option")
        if word == "PARTIAL":
            inner.space()
            partials.append(take_partial_range(inner))
        words.append(word)

    if len(cursor.parenthesised(take_option, "a return option", may_be_empty=True)) > MAX_OPTIONS:
        raise ImapSyntaxError("too many return options")
    cursor.space()
    if words.count("PARTIAL") + words.count("ALL") > 1:  # RFC 9394 section 3.1
        raise ImapSyntaxError("one ALL or one PARTIAL at the most")
    return ReturnOptions(frozenset(words), partials[0] if partials else None) if words else EVERYTHING


def take_partial_range(cursor: Cursor) -> PartialRange:
    """partial-range = partial-range-first / partial-range-last."""
    match = _PARTIAL_RANGE.match(cursor.octets, cursor.at)
    if match is None or match[1] != match[3]:
        raise ImapSyntaxError("expected a range of results")
    cursor.at = match.end()
    first, last = int(match[2]), int(match[4])
    if not 0 < first <= MAX_NUMBER or not 0 < last <= MAX_NUMBER:
        raise ImapSyntaxError("a range of results is out of range")
    return PartialRange(-first, -last) if match[1] else PartialRange(first, last)
