"""What no well-meaning client sends: each is a fact or does nothing, never an error of the database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mailboxes.accounts import remove_account
from mailboxes.exceptions import (
    AccountNotFound,
    KeywordInvalid,
    MailboxExists,
    MailboxNameInvalid,
    MailboxNotFound,
    TooManyKeywords,
)
from mailboxes.models import Account, Message
from mailboxes.store import append, changes, content, copy_and_move, expunge, fetch, flags, hierarchy, select
from mailboxes.store.mailbox_names import canonical_name
from mailboxes.store.values import NO_FLAGS, Flag, MailboxEntry, NewMessage
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTENT = append.prepare(b"Subject: Greetings\r\n\r\nHello\r\n")
HUGE = [1, 2**31 + 1, 2**32 - 1, 2**63 - 1]

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return new_account()


@pytest.fixture
def inbox(account: Account) -> MailboxEntry:
    return hierarchy.find_mailbox(account_id=account.pk, name="INBOX")


def add(inbox: MailboxEntry, *keywords: str, count: int = 1) -> list[int]:
    messages = [NewMessage(CONTENT, NO_FLAGS, keywords)] * count
    return append.append(
        account_id=inbox.account_id, mailbox_id=inbox.mailbox_id, contents=messages, now=NOW
    ).uids


@pytest.mark.parametrize(
    "name", ["a\0b", "a\ud800b", "a\x01", "a\u2028b", "a//b", "/a", "a/", "", "x" * 1001]
)
def test_a_name_that_cannot_be_is_a_fact(account: Account, name: str) -> None:
    hosted = {"account_id": account.pk}
    with pytest.raises(MailboxNameInvalid):
        hierarchy.create_mailbox(account_id=account.pk, name=name, now=NOW)
    with pytest.raises(MailboxNameInvalid):
        hierarchy.rename_mailbox(**hosted, name="Archive", to=name, now=NOW)
    with pytest.raises(MailboxNameInvalid):
        hierarchy.set_subscribed(**hosted, name=name, is_subscribed=True)
    with pytest.raises(MailboxNotFound):
        hierarchy.rename_mailbox(**hosted, name=name, to="new", now=NOW)
    with pytest.raises(MailboxNotFound):
        hierarchy.delete_mailbox(**hosted, name=name, now=NOW)
    with pytest.raises(MailboxNotFound):
        select.select_mailbox(**hosted, name=name, claim_recent=True)


def test_inbox_is_what_is_so_in_ascii_alone(account: Account) -> None:
    assert canonical_name("iNbOx/sub") == "INBOX/sub"
    assert hierarchy.create_mailbox(account_id=account.pk, name="ınbox", now=NOW).name == "ınbox"


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["a\0b"], KeywordInvalid),
        (["a\ud800"], KeywordInvalid),
        (["a\x1fb"], KeywordInvalid),
        ([""], KeywordInvalid),
        (["a" * 101], TooManyKeywords),
        ([f"k{number}" for number in range(65)], TooManyKeywords),
    ],
)
def test_a_keyword_that_cannot_be_is_a_fact(
    inbox: MailboxEntry, words: list[str], fact: type[Exception]
) -> None:
    with pytest.raises(fact):
        add(inbox, *words)
    uids = add(inbox)
    with pytest.raises(fact):
        flags.store_flags(
            mailbox_id=inbox.mailbox_id, uids=uids, mode="add", flags=NO_FLAGS, keywords=words, now=NOW
        )


def test_a_keyword_given_twice_is_stored_once(inbox: MailboxEntry) -> None:
    uids = add(inbox, "Work", "work", "é")
    rows = fetch.fetch_rows(mailbox_id=inbox.mailbox_id, uids=uids, columns=("keywords",))
    assert rows == [(1, ["Work", "é"])]


@pytest.mark.parametrize(
    "uids",
    [
        [],
        [7],
        HUGE,
        [2, 1, 2, 1, 2],
        list(range(1, 100)),
        list(range(1, 9_000, 7)),
        range(2, 2),
        range(2, 90),
        range(1, 9_000, 2),
    ],
)
def test_any_uids_may_be_asked_for(account: Account, inbox: MailboxEntry, uids: Sequence[int]) -> None:
    """Missing, repeated, unsorted, beyond 32 bits."""
    add(inbox, count=3)
    there = sorted({1, 2, 3} & set(uids))
    box = inbox.mailbox_id
    archive = hierarchy.find_mailbox(account_id=account.pk, name="Archive").mailbox_id
    ways = {"account_id": account.pk, "mailbox_id": box, "uids": uids, "to_mailbox_id": archive, "now": NOW}
    stored = flags.store_flags(mailbox_id=box, uids=uids, mode="replace", flags=Flag.DELETED, now=NOW)
    assert [row.uid for row in stored.changed] == there
    assert copy_and_move.copy_messages(**ways).source_uids == there  # type: ignore[arg-type]
    assert [row[0] for row in fetch.fetch_headers(mailbox_id=box, uids=uids)] == there
    assert expunge.expunge(mailbox_id=box, uids=uids, now=NOW).uids == there
    assert [row[0] for row in fetch.fetch_octets(mailbox_id=box, uids=uids)] == there  # from the journal
    assert copy_and_move.move_messages(**ways).source_uids == []  # type: ignore[arg-type]


def test_a_slice_beyond_every_end_is_empty(inbox: MailboxEntry) -> None:
    [uid] = add(inbox)
    octets = CONTENT.octets
    for offset, length, expected in [
        (0, 2**32 - 1, octets),
        (2**32 - 1, 2**32 - 1, b""),
        (3, 2**63, octets[3:]),
        (len(octets), 1, b""),
        (0, 0, b""),
    ]:
        piece = fetch.fetch_slice(mailbox_id=inbox.mailbox_id, uid=uid, offset=offset, length=length)
        assert piece == expected


def test_an_append_of_nothing_gives_no_uids(account: Account, inbox: MailboxEntry) -> None:
    done = append.append(account_id=account.pk, mailbox_id=inbox.mailbox_id, contents=[], now=NOW)
    assert (done.uid_validity, done.uids) == (inbox.uid_validity, [])
    with pytest.raises(MailboxNotFound):
        append.append(account_id=new_account().pk, mailbox_id=inbox.mailbox_id, contents=[], now=NOW)


def test_a_whole_family_moves_up_over_itself(account: Account) -> None:
    hierarchy.create_mailbox(account_id=account.pk, name="a/b/b/c", now=NOW)
    before = {each.name: each.mailbox_id for each in hierarchy.list_mailboxes(account_id=account.pk)}
    with pytest.raises(MailboxExists):
        hierarchy.rename_mailbox(account_id=account.pk, name="a/b", to="a", now=NOW)
    hierarchy.delete_mailbox(account_id=account.pk, name="a", now=NOW)
    hierarchy.rename_mailbox(account_id=account.pk, name="a/b", to="a", now=NOW)
    after = {each.name: each.mailbox_id for each in hierarchy.list_mailboxes(account_id=account.pk)}
    moved = {old: old.removeprefix("a/") for old in ("a/b", "a/b/b", "a/b/b/c")}
    assert {name: after["a" + old.removeprefix("a/b")] for old, name in moved.items()} == {
        name: before[old] for old, name in moved.items()
    }
    assert not [name for name in after if "\x01" in name]


def test_a_name_that_comes_back_is_subscribed_once_and_as_it_was(account: Account) -> None:
    def is_subscribed() -> list[bool]:
        entries = hierarchy.list_mailboxes(account_id=account.pk)
        return [each.is_subscribed for each in entries if each.name == "Archive"]

    hierarchy.delete_mailbox(account_id=account.pk, name="Archive", now=NOW)
    assert is_subscribed() == [True]
    hierarchy.create_mailbox(account_id=account.pk, name="new", now=NOW)
    hierarchy.rename_mailbox(account_id=account.pk, name="new", to="Archive", now=NOW)
    assert is_subscribed() == [True]
    hierarchy.rename_mailbox(account_id=account.pk, name="Archive", to="new", now=NOW)
    assert is_subscribed() == []


def test_who_polls_for_an_empty_mailbox_sees_that_it_went(account: Account) -> None:
    box = hierarchy.find_mailbox(account_id=account.pk, name="Archive")
    hierarchy.delete_mailbox(account_id=account.pk, name="Archive", now=NOW)
    assert changes.highest_modseqs([box.mailbox_id])[box.mailbox_id] > box.highest_modseq
    assert changes.changes_since(mailbox_id=box.mailbox_id, modseq=box.highest_modseq, uid_next=1).is_deleted


def test_after_an_account_went_every_verb_states_a_fact(account: Account, inbox: MailboxEntry) -> None:
    archive = hierarchy.find_mailbox(account_id=account.pk, name="Archive").mailbox_id
    remove_account(account_id=account.pk, by="test")
    hosted = {"account_id": account.pk, "now": NOW}
    box = inbox.mailbox_id
    with pytest.raises(AccountNotFound):
        hierarchy.create_mailbox(**hosted, name="new")  # type: ignore[arg-type]
    with pytest.raises(AccountNotFound):
        hierarchy.delete_mailbox(**hosted, name="Archive")  # type: ignore[arg-type]
    with pytest.raises(AccountNotFound):
        hierarchy.rename_mailbox(**hosted, name="Archive", to="new")  # type: ignore[arg-type]
    with pytest.raises(AccountNotFound):
        hierarchy.set_subscribed(account_id=account.pk, name="Archive", is_subscribed=True)
    with pytest.raises(AccountNotFound):
        copy_and_move.copy_messages(
            account_id=account.pk, mailbox_id=box, uids=[1], to_mailbox_id=archive, now=NOW
        )
    with pytest.raises(MailboxNotFound):
        expunge.expunge(mailbox_id=box, now=NOW)
    with pytest.raises(MailboxNotFound):
        add(inbox)
    with pytest.raises(AccountNotFound):
        remove_account(account_id=account.pk, by="test")
    assert hierarchy.list_mailboxes(account_id=account.pk) == []


def test_many_contents_go_in_short_transactions(inbox: MailboxEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "CONTENTS_AT_ONCE", 2)
    add(inbox, count=6)
    Message.objects.filter(mailbox_id=inbox.mailbox_id, uid__gt=1).delete()
    assert content.remove_unreferenced(now=NOW + timedelta(hours=2)) == 5
    [(_, octets)] = fetch.fetch_octets(mailbox_id=inbox.mailbox_id, uids=[1])
    assert octets == CONTENT.octets
