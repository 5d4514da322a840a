"""What is told where names change, held against what a client would make of it (RFC 5465 section 5.4)."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mailboxes.imap.watched import Interests, Known, known_of, renamed
from mailboxes.imap.watched_changes import Comparison, Listener
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.mailbox_filters import FilterKind, MailboxFilter
from mailhost.protocols.imap.notify import Event, EventGroup

NAMES = ["INBOX", "a", "a/b", "a/b/c", "a/c", "b", "b/b", "b/b/c"]
EVERY_NAME = Interests(
    [
        EventGroup(
            MailboxFilter(FilterKind.PERSONAL), frozenset({Event.MAILBOX_NAME, Event.SUBSCRIPTION_CHANGE})
        )
    ]
)
LIST = re.compile(r'\* LIST \((?P<attributes>[^)]*)\) "/" (?P<name>[^ ]+)(?: \("OLDNAME" \((?P<old>.+)\)\))?')

# Names by mailbox id, and which of them are subscribed.
moments = st.dictionaries(
    st.integers(1, 9), st.tuples(st.sampled_from(NAMES), st.booleans()), max_size=6
).map(
    lambda named: {
        each: value
        for each, value in named.items()
        if [name for name, _ in named.values()].count(value[0]) == 1
    }
)
Moment = dict[int, tuple[str, bool]]
Deed = tuple[str, str]
deeds = st.lists(
    st.tuples(st.sampled_from(["create", "delete", "subscribe", "unsubscribe"]), st.sampled_from(NAMES)),
    max_size=3,
)


def done(moment: Moment, some: list[Deed]) -> Moment:
    """The moment after these commands; what cannot be done is not done."""
    now = dict(moment)
    for deed, name in some:
        number = next((each for each, (other, _) in now.items() if other == name), None)
        if number is None:
            if deed == "create":
                now[max(now, default=9) + 100] = (name, False)
        elif deed == "delete":
            del now[number]
        elif deed != "create":
            now[number] = (name, deed == "subscribe")
    return now


def after_rename(moment: Moment, old: str, new: str) -> Moment:
    taken = {name for name, _ in moment.values()}
    if new in taken or new.startswith(old + "/"):
        return moment
    now = {
        each: (new + name[len(old) :] if (name + "/").startswith(old + "/") else name, is_subscribed)
        for each, (name, is_subscribed) in moment.items()
    }
    return now if len({name for name, _ in now.values()}) == len(now) else moment


def entries_of(moment: Moment) -> list[MailboxEntry]:
    return [
        MailboxEntry(each, 1, name, each, 1, 1, 1, 1, "", is_subscribed, True, 0, 0, 0, 0)
        for each, (name, is_subscribed) in moment.items()
    ]


def told(before: Moment, now: Moment, listener: Listener | None = None) -> list[dict[str, str]]:
    entries = entries_of(now)
    comparison = Comparison(
        known_of(entries_of(before), EVERY_NAME),
        known_of(entries, EVERY_NAME),
        entries,
        EVERY_NAME,
        listener or Listener(is_utf8=True, tells_modseqs=False),
    )
    lines = comparison.told().decode().splitlines()
    matches = [match for line in lines if (match := LIST.fullmatch(line)) is not None]
    assert len(matches) == len(lines)
    return [match.groupdict("") for match in matches]


@given(moments, deeds, st.none() | st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), deeds)
def test_a_client_that_applies_what_it_is_told_knows_all_names_and_subscriptions(
    before: Moment, first: list[Deed], renaming: tuple[str, str] | None, then: list[Deed]
) -> None:
    """Of any number of changes between two looks, with one RENAME among them."""
    now = done(before, first)
    if renaming is not None:
        now = after_rename(now, *renaming)
    now = done(now, then)
    names = {name for name, _ in before.values()}
    subscribed = {name for name, is_subscribed in before.values() if is_subscribed}
    for each in told(before, now):
        if each["old"]:
            below = {name for name in names if (name + "/").startswith(each["old"] + "/")}
            names = (names - below) | {each["name"] + name[len(each["old"]) :] for name in below}
        if "\\NonExistent" in each["attributes"]:
            names.discard(each["name"])
        else:
            names.add(each["name"])
        subscribed.discard(each["name"])
        if "\\Subscribed" in each["attributes"]:
            subscribed.add(each["name"])
    assert names == {name for name, _ in now.values()}
    assert subscribed == {name for name, is_subscribed in now.values() if is_subscribed}


@given(moments)
def test_where_nothing_changed_nothing_is_told(moment: Moment) -> None:
    assert told(moment, moment) == []


@given(moments, moments)
def test_what_the_client_did_itself_is_not_told(before: Moment, now: Moment) -> None:
    listener = Listener(is_utf8=True, tells_modseqs=False, own_names=frozenset(NAMES))
    assert told(before, now, listener) == []


def test_those_below_go_along() -> None:
    before = {1: "a", 2: "a/b", 3: "a/b/c", 4: "x", 5: "x/y"}
    now = {1: "z", 2: "z/b", 3: "z/b/c", 4: "x", 5: "w"}
    assert renamed(before, now) == {"z": "a", "w": "x/y"}
    assert renamed({2: "a/b", 3: "a/b/c"}, {2: "z/b", 3: "z/b/c"}) == {"z/b": "a/b"}


def test_a_listener_knows_nothing_that_nobody_asked_for() -> None:
    entries = entries_of({1: ("INBOX", True), 2: ("a", True)})
    inboxes = Interests([EventGroup(MailboxFilter(FilterKind.INBOXES), frozenset({Event.MAILBOX_NAME}))])
    assert known_of(entries, inboxes) == Known(names={1: "INBOX"})
