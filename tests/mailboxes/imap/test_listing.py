"""Which names LIST tells: the hierarchies of RFC 5258 section 5, and any others against its rules put plainly."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailboxes.imap.listing import Asked, Listing, superiors_of
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.list_patterns import matches

LEVELS = st.lists(st.sampled_from(["a", "b", "INBOX"]), min_size=1, max_size=4).map("/".join)
SELECTIONS = [(), ("SUBSCRIBED",), ("SPECIAL-USE",), ("SUBSCRIBED", "SPECIAL-USE")]


def entry(
    name: str, *, exists: bool = True, is_subscribed: bool = False, special_use: str = ""
) -> MailboxEntry:
    numbers: dict[str, Any] = dict.fromkeys(
        [
            *("mailbox_id", "account_id", "uid_validity", "uid_next", "highest_modseq", "flags_modseq"),
            *("first_recent_uid", "message_count", "unseen_count", "deleted_count", "size_octets"),
        ],
        1,
    )
    return MailboxEntry(
        name=name, special_use=special_use, is_subscribed=is_subscribed, exists=exists, **numbers
    )


def hierarchy(existing: str, subscribed: str = "") -> list[MailboxEntry]:
    names = existing.split()
    gone = [name for name in subscribed.split() if name not in names]
    return [
        *(entry(name, is_subscribed=name in subscribed.split()) for name in names),
        *(entry(name, exists=False, is_subscribed=True) for name in gone),
    ]


def told(
    entries: Iterable[MailboxEntry],
    *patterns: str,
    selection: Iterable[str] = (),
    returns: Iterable[str] = (),
    off: Iterable[str] = ("CHILDREN",),
) -> list[str]:
    asked = Asked(
        patterns, frozenset(selection), frozenset(returns), is_extended=True, switched_off=frozenset(off)
    )
    lines = [each.response(is_utf8=False).decode() for each in Listing(entries, asked).told()]
    return [line.removeprefix("* LIST ").removesuffix("\r\n") for line in lines]


FRUIT = hierarchy(
    "INBOX Fruit Fruit/Apple Fruit/Banana Tofu Vegetable Vegetable/Broccoli Vegetable/Corn",
    "INBOX Fruit/Banana Fruit/Peach Vegetable Vegetable/Broccoli",
)
FOO = hierarchy(
    "INBOX foo2 foo2/bar1 foo2/bar2 baz2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
    "foo2/bar1 foo2/bar2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
)


def test_example_2_subscribed_names() -> None:
    assert told(FRUIT, "*", selection=["SUBSCRIBED"]) == [
        '(\\Subscribed) "/" Fruit/Banana',
        '(\\NonExistent \\Subscribed) "/" Fruit/Peach',
        '(\\Subscribed) "/" INBOX',
        '(\\Subscribed) "/" Vegetable',
        '(\\Subscribed) "/" Vegetable/Broccoli',
    ]


def test_example_3_children() -> None:
    assert told(FRUIT, "%", returns=["CHILDREN"]) == [
        '(\\HasChildren) "/" Fruit',
        '(\\HasNoChildren) "/" INBOX',
        '(\\HasNoChildren) "/" Tofu',
        '(\\HasChildren) "/" Vegetable',
    ]


def test_example_6_what_is_subscribed_and_gone_is_not_selected_by_a_return_option() -> None:
    names = [line.split()[-1] for line in told(FRUIT, "*", selection=["REMOTE"], returns=["SUBSCRIBED"])]
    assert "Fruit/Peach" not in names
    assert len(names) == 8


@pytest.mark.parametrize(
    ("entries", "lines"),
    [
        (hierarchy("INBOX Foo Foo/Bar Foo/Baz Moo", "Foo/Baz"), ['() "/" Foo ("CHILDINFO" ("SUBSCRIBED"))']),
        (
            hierarchy("INBOX Foo Foo/Bar Foo/Baz Moo", "Foo Foo/Baz"),
            ['(\\Subscribed) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))'],
        ),
        (hierarchy("Foo/Baz", "Foo/Baz"), ['(\\NonExistent) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))']),
        (hierarchy("INBOX Foo Foo/Bar Moo"), []),
        (
            hierarchy("INBOX Foo Foo/Bar Moo", "Foo Moo"),
            ['(\\Subscribed) "/" Foo', '(\\Subscribed) "/" Moo'],
        ),
    ],
)
def test_example_8_recursive_match(entries: list[MailboxEntry], lines: list[str]) -> None:
    assert told(entries, "%", selection=["SUBSCRIBED", "RECURSIVEMATCH"]) == lines


def test_example_9_childinfo_is_told_where_it_is_not_redundant() -> None:
    assert told(FOO, "*2", selection=["RECURSIVEMATCH", "SUBSCRIBED"]) == [
        '(\\Subscribed) "/" baz2/bar2',
        '(\\Subscribed) "/" baz2/bar22',
        '(\\Subscribed) "/" baz2/bar222',
        '(\\Subscribed) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))',
        '() "/" foo2 ("CHILDINFO" ("SUBSCRIBED"))',
        '(\\Subscribed) "/" foo2/bar2',
        '(\\Subscribed) "/" qux2/bar2',
    ]


def test_example_10_a_subscribed_child_that_is_gone() -> None:
    entries = hierarchy("foo", "foo/bar")
    assert told(entries, "foo", "foo/*") == ['() "/" foo']
    assert told(entries, "foo/*", selection=["SUBSCRIBED"]) == ['(\\NonExistent \\Subscribed) "/" foo/bar']
    assert told(entries, "foo", selection=["SUBSCRIBED", "RECURSIVEMATCH"], returns=["CHILDREN"]) == [
        '(\\HasNoChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))'
    ]


def test_example_11_a_level_without_a_mailbox() -> None:
    entries = hierarchy("music/rock")
    assert told(entries, "*", selection=["REMOTE"]) == ['() "/" music/rock']
    assert told(entries, "%", returns=["CHILDREN"]) == ['(\\NonExistent \\HasChildren) "/" music']
    assert told(entries, "%", "music/rock") == ['() "/" music/rock']


@given(
    st.dictionaries(LEVELS, st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=8),
    st.lists(st.text("ab/*%", min_size=1, max_size=5), min_size=1, max_size=3),
    st.sampled_from(SELECTIONS),
    st.booleans(),
)
def test_rules_of_section_3(
    names: dict[str, tuple[bool, bool, bool]], patterns: list[str], criteria: tuple[str, ...], recursive: bool
) -> None:
    entries = [
        entry(
            name, exists=exists, is_subscribed=subscribed, special_use="\\Sent" if special and exists else ""
        )
        for name, (exists, subscribed, special) in names.items()
        if exists or subscribed
    ]
    recursive = recursive and bool(criteria)
    selection = {*criteria, *(["RECURSIVEMATCH"] if recursive else [])}
    asked = Asked(tuple(patterns), selection, {"CHILDREN"}, is_extended=True)
    found = {each.name: each for each in Listing(entries, asked).told()}
    existing = {each.name for each in entries if each.exists}
    selected = {
        each.name
        for each in entries
        if (each.exists or "SUBSCRIBED" in criteria)
        and ("SUBSCRIBED" not in criteria or each.is_subscribed)
        and ("SPECIAL-USE" not in criteria or each.special_use)
    }
    for name in {*names, *(name.rpartition("/")[0] for name in names), "a", "b", "a/b"} - {""}:
        matching = any(matches(pattern, name) for pattern in patterns)
        below = {each for each in selected if each.startswith(name + "/")}
        unlisted = {each for each in below if not any(matches(pattern, each) for pattern in patterns)}
        is_told = matching and (name in selected or bool(unlisted and (recursive or not criteria)))
        assert (name in found) is is_told
        if is_told:
            attributes = found[name].attributes
            assert ("\\NonExistent" in attributes) is (name not in existing)
            has_children = any(each.startswith(name + "/") for each in existing)
            assert ("\\HasChildren" in attributes) is has_children
            assert ("\\HasNoChildren" in attributes) is not has_children
            assert bool(found[name].childinfo) is (recursive and bool(below))


def test_depth_costs_nothing() -> None:
    """Made one by one, the superiors of these would be 150 million characters, twelve times."""
    names = ["/".join(["x"] * 499) + f"/{number:05}" for number in range(300)]
    assert len(superiors_of(names)) == 499
    entries = [entry(name) for name in names]
    assert len(told(entries, *["*x*%*0%*"] * 12)) == 300
