"""UID FETCH a page at a time (RFC 9394 section 3.3); SEARCH's pages are in test_esearch.py."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.search_options import PartialRange

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

ENDS = st.tuples(st.integers(1, 30), st.integers(1, 30))


def test_pages_of_uid_fetch(talk: Talk, put: Put) -> None:
    for number in range(5):
        put(f"number {number}")
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a STORE 2 +FLAGS.SILENT (\\Deleted)
        S: a OK …
        C: b EXPUNGE
        S~ b OK …
        C: c UID FETCH 1:* UID (PARTIAL 2:3)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: c OK …
        C: d UID FETCH 1:4 UID (PARTIAL -1:-2)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: d OK …
        C: e UID FETCH 1,4:5 UID (partial 2:9)
        S: * 3 FETCH (UID 4)
        S: * 4 FETCH (UID 5)
        S: e OK …
        C: f UID FETCH 1:* UID (PARTIAL 9:10)
        S: f OK …
        C: g UID SEARCH RETURN (SAVE) 1:3
        S: g OK …
        C: h UID FETCH $ UID (PARTIAL -1:-1)
        S: * 3 FETCH (UID 4)
        S: h OK …
        C: i STORE 1,4 +FLAGS.SILENT (\\Flagged)
        S: i OK …
        C: j UID FETCH 1:* UID (PARTIAL -1:-2 CHANGEDSINCE 8)
        S~ * 4 FETCH (UID 5 MODSEQ (9))
        S: j OK …
        C: k FETCH 1:* UID (PARTIAL 1:2)
        S: k BAD …
        C: l UID FETCH 1:* UID (PARTIAL 1:2 PARTIAL 1:2)
        S: l BAD …
        C: m UID FETCH 1:* UID (PARTIAL)
        S: m BAD …
        C: n UID FETCH 1:* UID (VANISHED PARTIAL 1:2)
        S: n BAD …
    """)


@given(ENDS, st.booleans(), st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=6))
def test_a_page_is_what_counting_says(
    ends: tuple[int, int], is_from_the_end: bool, steps: list[tuple[int, int]]
) -> None:
    ranges, at = [], 0
    for gap, length in steps:
        ranges.append((at + gap, at + gap + length))
        at += gap + length
    positions = [position for low, high in ranges for position in range(low, high)]
    low, high = sorted(ends)
    counted = positions[::-1] if is_from_the_end else positions
    expected = sorted(counted[low - 1 : high])
    page = PartialRange(*(-end for end in ends)) if is_from_the_end else PartialRange(*ends)
    assert [position for low, high in page.page(ranges) for position in range(low, high)] == expected
    start, end = page.bounds(len(positions))
    assert positions[start:end] == expected


@pytest.mark.parametrize("count", [0, 1])
def test_a_page_of_next_to_nothing(count: int) -> None:
    assert PartialRange(-1, -4294967295).bounds(count) == (0, count)
    assert PartialRange(4294967295, 1).bounds(count) == (0, count)
    start, end = PartialRange(-2, -3).bounds(count)
    assert start == end
