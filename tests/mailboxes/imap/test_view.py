"""The session's view: what changes make of it, and that nothing but the new view changes."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from mailboxes.imap.view import MailboxView, SharedViews
from mailboxes.store.values import ChangedRows

NO_RECENT = 1 << 40
UIDS = st.sets(st.integers(1, 60))


def view(uids: set[int], *, flags: int = 0) -> MailboxView:
    return MailboxView(
        array("q", sorted(uids)), array("h", [flags] * len(uids)), array("q", [3] * len(uids)), {}
    )


@given(UIDS, UIDS)
def test_what_vanished_is_gone_and_the_rest_keeps_its_order(there: set[int], vanished: set[int]) -> None:
    before = view(there)
    after, gone = before.without(vanished)
    assert list(after.uids) == sorted(there - vanished)
    assert [before.uids[position] for position in gone] == sorted(there & vanished)
    assert len(after.flags) == len(after.uids)
    assert list(before.uids) == sorted(there)


@given(UIDS, st.sets(st.integers(1, 90)))
def test_changes_are_taken_arrivals_appended_and_strangers_passed_over(
    there: set[int], changed: set[int]
) -> None:
    before = view(there)
    rows = ChangedRows.of([(uid, 9, 4, ("k",)) for uid in sorted(changed)])
    after, differing = before.with_changes(rows)
    last = max(there, default=0)
    assert list(after.uids) == sorted(there | {uid for uid in changed if uid > last})
    assert [after.uids[position] for position in differing] == sorted(there & changed)
    for position, uid in enumerate(after.uids):
        assert after.flags[position] == (4 if uid in changed else 0)
        assert after.keywords.get(uid) == (("k",) if uid in changed else None)
    assert list(before.flags) == [0] * len(there)
    assert after.with_changes(rows) == (after, [])


@given(UIDS, UIDS)
def test_places_are_those_of_each_uid(there: set[int], asked: set[int]) -> None:
    shown = view(there)
    expected = [-1 if (place := shown.position(uid)) is None else place for uid in sorted(asked)]
    assert list(shown.places(sorted(asked))) == expected


@given(UIDS, st.integers(0, 60), st.integers(1, 60))
def test_one_range_of_positions_is_one_range_of_uids(there: set[int], start: int, count: int) -> None:
    shown = view(there)
    end = min(start + count, len(there))
    ranges = [(start, end)] if start < end else []
    span = shown.span(ranges)
    assert [uid for uid in span if uid in there] == list(shown.uids_in(ranges))
    assert isinstance(span, range) == bool(ranges)


@given(UIDS, st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)), st.booleans())
def test_only_what_is_told_otherwise_than_before_differs(
    there: set[int], flagged: set[int], named: set[int], counts_modseqs: bool
) -> None:
    """Twice: some messages have their flags already, some lose their keyword, all get the new mod-sequence."""
    before, _ = view(there).with_changes(
        ChangedRows.of([(uid, 4, 4, ("k",)) for uid in sorted(flagged & there)])
    )
    rows = [(uid, 5, 4, ("k",) if uid in named else None) for uid in sorted(there)]
    after, differing = before.with_changes(ChangedRows.of(rows), counts_modseqs=counts_modseqs)
    same = set() if counts_modseqs else flagged & named
    assert [after.uids[position] for position in differing] == sorted(there - same)
    assert after.keywords == dict.fromkeys(there & named, ("k",))
    assert list(after.modseqs) == [5] * len(there)


@given(UIDS, st.integers(1, 70), st.booleans())
def test_flags_of_many_are_those_of_each(there: set[int], first_recent_uid: int, has_keywords: bool) -> None:
    shown = view(there, flags=5)
    if there and has_keywords:
        shown, _ = shown.with_changes(ChangedRows.of([(max(there), 9, 16, ("$Label1",))]))
    every = range(len(there))
    expected = [shown.flags_text(position, first_recent_uid) for position in every]
    assert shown.flags_texts(every, first_recent_uid) == expected
    assert shown.flags_texts(list(every), first_recent_uid) == expected


def test_flags_in_wire_form() -> None:
    shown, _ = view({1, 2}, flags=3).with_changes(ChangedRows.of([(2, 9, 16, ("$Label1", "x"))]))
    assert shown.flags_text(0, NO_RECENT) == b"\\Seen \\Answered"
    assert shown.flags_text(1, NO_RECENT) == b"\\Draft $Label1 x"
    assert shown.flags_text(1, 2) == b"\\Draft \\Recent $Label1 x"
    assert view({1}).flags_text(0, 1) == b"\\Recent"
    assert view({1}).flags_text(0, 2) == b""


def test_sessions_at_one_moment_share_one_view_for_as_long_as_one_of_them_holds_it() -> None:
    views = SharedViews()
    first = views.share(7, 3, view({1}))
    assert views.share(7, 3, view({1})) is first
    assert views.find(7, 3) is first
    assert views.find(7, 4) is None
    del first
    assert views.find(7, 3) is None
