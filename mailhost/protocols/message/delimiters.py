"""Delimiter lines of multiparts (RFC 2046 section 5.1.1), searched for in linear time."""

import re
from typing import NamedTuple

_MANY_MISSES = 5_000  # lines that only look like delimiters: far above real mail, 5 ms of looking at them
_MAX_SIEVED_OCTETS = 10_000  # of boundaries in one pattern, so that compiling it stays cheap
_DELIMITER_LINE = re.compile(rb"--([^\r\n]*+)(?:\r\n|\r|\n|\Z)").match


class Search:
    """The next place of a needle, for positions that only grow: no octet is looked at twice."""

    __slots__ = ("found", "needle", "octets", "searched_to")

    def __init__(self, octets: bytes, needle: bytes) -> None:
        self.octets = octets
        self.needle = needle
        self.found = -1
        self.searched_to = 0

    def first(self, start: int, end: int) -> int:
        """The first place that begins within [start, end), or `end`."""
        if self.found < start:
            begin = max(start, self.searched_to)
            if begin >= end:
                return end
            found = self.octets.find(self.needle, begin, end + len(self.needle) - 1)
            if found < 0:
                self.searched_to = end
                return end
            self.found = found
            self.searched_to = found
        return min(self.found, end)


class Delimiter(NamedTuple):
    before: int
    """Where the text before it ends: the line end belongs to the delimiter."""
    behind: int
    """Behind the line end of its own line."""
    place: int
    """What `open` was told with its boundary."""
    is_last: bool


class Delimiters:
    """The delimiter lines of all multiparts that are open at a moment."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.places: dict[bytes, int] = {}  # by boundary
        self.dashes = [Search(octets, needle) for needle in (b"\n--", b"\r--")]
        self.misses = 0
        self.sieve: re.Pattern[bytes] | None = None

    def __bool__(self) -> bool:
        return bool(self.places)

    def open(self, boundary: bytes, place: int) -> None:
        """An inner multipart cannot have an outer one's boundary: the outer one's lines end it."""
        self.places.setdefault(boundary, place)
        self._forget_sieve()

    def close(self, boundary: bytes, place: int) -> None:
        if self.places.get(boundary) == place:
            del self.places[boundary]
            self._forget_sieve()

    def next(self, start: int, end: int) -> Delimiter | None:
        """The first one whose line begins in [start, end); start must not go back."""
        octets = self.octets
        at = start - 1 if start else 0
        while at < end:
            if self.misses < _MANY_MISSES:
                found = end
                for search in self.dashes:
                    found = search.first(at, found)
            else:
                found = self._sift(at, end)
            if found >= end:
                return None
            line = _DELIMITER_LINE(octets, found + 1)
            assert line is not None
            text = line[1].rstrip(b" \t")
            is_last = False
            place = self.places.get(text)
            if place is None and text.endswith(b"--"):
                place = self.places.get(text[:-2])
                is_last = True
            if place is not None:
                # The line end before the delimiter belongs to it (RFC 2046 section 5.1.1).
                is_crlf = found > 0 and octets[found - 1 : found + 1] == b"\r\n"
                return Delimiter(found - is_crlf, line.end(), place, is_last)
            at = found + 3
            self.misses += 1
        return None

    def _sift(self, at: int, end: int) -> int:
        """As the searches in `dashes`, for octets that are full of lines like delimiters: slower to set up, but it
        passes over those that are none without leaving C."""
        if self.sieve is None:
            boundaries = b"|".join(map(re.escape, self.places))
            pattern = rb"[\r\n]--"
            if len(boundaries) <= _MAX_SIEVED_OCTETS:
                pattern += rb"(?:" + boundaries + rb")(?:--)?[ \t]*+(?:[\r\n]|\Z)"
            self.sieve = re.compile(pattern)
        found = self.sieve.search(self.octets, at, end)
        return end if found is None else found.start()

    def _forget_sieve(self) -> None:
        self.misses = 0
        self.sieve = None
