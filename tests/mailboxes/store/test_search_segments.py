"""Segments by themselves: patterns find their entries, and merging is the same as building together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailboxes.store import search_segments
from mailboxes.store.search_segments import (
    Pattern,
    Segment,
    build,
    flags_of,
    flags_of_common,
    flags_of_many,
    merge,
    patterns_of,
    runs,
    uids_at,
)
from mailboxes.store.search_text import Area, Words
from tests.support.examples import examples

ENTRY = st.binary(max_size=4).map(lambda octets: bytes(b"abc"[octet % 3] for octet in octets))
MESSAGE = st.one_of(st.none(), st.sets(ENTRY, max_size=6))


@pytest.mark.parametrize(("many", "between"), [(256, 128), (1, 1_000)])
def test_a_pattern_finds_its_entries(monkeypatch: pytest.MonkeyPatch, many: int, between: int) -> None:
    monkeypatch.setattr(search_segments, "MANY_ENTRIES", many)
    monkeypatch.setattr(search_segments, "OCTETS_BETWEEN", between)

    @examples(200)
    @given(st.sets(ENTRY, max_size=40), ENTRY.filter(bool), st.booleans(), st.booleans())
    def finds(entries: set[bytes], sought: bytes, at_start: bool, at_end: bool) -> None:
        words = b"\0" + b"".join(entry + b"\0" for entry in sorted(entries))

        def holds(entry: bytes) -> bool:
            if at_start and at_end:
                return entry == sought
            if at_start or at_end:
                return entry.startswith(sought) if at_start else entry.endswith(sought)
            return sought in entry

        expected = [number for number, entry in enumerate(sorted(entries)) if holds(entry)]
        assert Pattern(sought, at_start, at_end).entries(words) == expected

    finds()


def test_a_nul_is_nowhere() -> None:
    assert Pattern(b"\0").entries(b"\0a\0b\0") == []
    assert Pattern(b"a\0b").entries(b"\0a\0b\0") == []


@pytest.mark.parametrize(
    ("needle", "anchors"),
    [
        (b"a", [(b"a", False, False)]),
        (b"a b", [(b"a", False, True), (b"b", True, False)]),
        (b" a\r\nbc d", [(b"a", True, True), (b"bc", True, True), (b"d", True, False)]),
        (b"a ", [(b"a", False, True)]),
        (b" \t", []),
    ],
)
def test_the_pieces_of_a_needle(needle: bytes, anchors: list[tuple[bytes, bool, bool]]) -> None:
    assert patterns_of(needle) == [Pattern(*anchor) for anchor in anchors]


def segment(messages: list[set[bytes] | None], first: int) -> Segment:
    numbered: list[tuple[int, Words | None]] = [
        (
            first + number,
            None if entries is None else {area: entries if area is Area.BODY else set() for area in Area},
        )
        for number, entries in enumerate(messages)
    ]
    return build(numbered, first_uid=first, last_uid=first + len(messages) - 1, size_octets=0)


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_segments, "STRETCH_OCTETS", 5)


@examples(150)
@given(st.lists(st.lists(MESSAGE, max_size=20), min_size=1, max_size=4), st.sets(st.integers(1, 80)))
def test_merged_is_built_together(stretches: list[list[set[bytes] | None]], gone: set[int]) -> None:
    segments = []
    first = 1
    for messages in stretches:
        segments.append(segment(messages, first))
        first += len(messages)
    living = set(range(1, first)) - gone
    merged = merge(segments, living, size_octets=7)
    every = [entries for messages in stretches for entries in messages]
    assert (merged.first_uid, merged.last_uid, merged.size_octets) == (1, first - 1, 7)
    assert merged.uids.tolist() == sorted(living)
    unread = [uid for uid in sorted(living) if every[uid - 1] is None]
    assert [merged.uids[place] for place in merged.unread] == unread
    entries = merged.areas[Area.BODY]
    for sought in (b"a", b"bc", b"ccc"):
        numbers = Pattern(sought).entries(entries.words)
        postings = [entries.postings[entries.offsets[n] : entries.offsets[n + 1]] for n in numbers]
        found = flags_of(postings, len(living))
        expected = [uid for uid in sorted(living) if any(sought in entry for entry in every[uid - 1] or ())]
        assert list(uids_at(found, merged.uids)) == expected
        assert flags_of_many(runs(numbers), entries.offsets, entries.postings, len(living)) == found
        common = flags_of_common(
            Pattern(sought), entries.words, entries.offsets, entries.postings, len(living)
        )
        assert common == found
