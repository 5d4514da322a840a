"""Whatever changes about an account's mailboxes is announced to whom it concerns, and changes its mark."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from mailboxes.models import Account
from mailboxes.store import annotations, by_name, watching
from mailboxes.store.append import append, prepare
from mailboxes.store.grants import change_grant
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import NewMessage
from mailhost.net.announcements import EVERYBODY
from tests.support.hosting import new_account, new_domain

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def people(db: None) -> tuple[Account, Account]:
    domain = new_domain()
    return new_account("alice", domain=domain), new_account("bob", domain=domain)


Told = Callable[[Callable[[], object]], tuple[set[int], set[int]]]


@pytest.fixture
def told(
    people: tuple[Account, Account],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Told:
    """Does something; the accounts that were told, and those whose mark is another now."""
    ids = [person.pk for person in people]

    def do(something: Callable[[], object]) -> tuple[set[int], set[int]]:
        announced: set[int] = set()
        monkeypatch.setattr("mailboxes.store.locks.announce_account", announced.update)
        before = watching.account_marks(ids)
        with django_capture_on_commit_callbacks(execute=True):
            something()
        after = watching.account_marks(ids)
        return announced, {each for each in ids if after[each] != before[each]}

    return do


def share(owner: Account, name: str, identifier: str, rights: str) -> None:
    entry = find_mailbox(account_id=owner.pk, name=name)
    change_grant(entry=entry, acting_id=owner.pk, identifier=identifier, change="replace", rights=rights)


def test_names_and_subscriptions_of_one_s_own(people: tuple[Account, Account], told: Told) -> None:
    alice = people[0].pk
    mine = ({alice}, {alice})
    assert told(lambda: by_name.create(account_id=alice, name="a/b", now=NOW)) == mine
    assert told(lambda: by_name.rename(account_id=alice, name="a", to="c", now=NOW)) == mine
    assert told(lambda: by_name.subscribe(account_id=alice, name="c/b", is_subscribed=True)) == mine
    assert told(lambda: by_name.subscribe(account_id=alice, name="c/b", is_subscribed=False)) == mine
    assert told(lambda: by_name.delete(account_id=alice, name="c/b", now=NOW)) == mine
    assert told(lambda: by_name.rename(account_id=alice, name="INBOX", to="old", now=NOW)) == mine


def test_mail_is_no_such_change(people: tuple[Account, Account], told: Told) -> None:
    inbox = find_mailbox(account_id=people[0].pk, name="INBOX")

    def deliver() -> None:
        message = NewMessage(prepare(b"Hello"))
        append(account_id=inbox.account_id, mailbox_id=inbox.mailbox_id, contents=[message], now=NOW)

    assert told(deliver) == (set(), set())


def test_what_is_shared(people: tuple[Account, Account], told: Told) -> None:
    alice, bob = people
    name = f"Other Users/{alice.login}/"
    by_name.create(account_id=alice.pk, name="a", now=NOW)
    assert told(lambda: share(alice, "a", bob.login, "lrk")) == ({bob.pk}, {bob.pk})
    both = {alice.pk, bob.pk}
    assert told(lambda: by_name.subscribe(account_id=bob.pk, name=name + "a", is_subscribed=True)) == (
        {bob.pk},
        {bob.pk},
    )
    assert told(lambda: by_name.create(account_id=alice.pk, name="a/b", now=NOW)) == (both, both)
    assert told(lambda: by_name.rename(account_id=alice.pk, name="a", to="c", now=NOW)) == (both, both)
    assert told(lambda: by_name.delete(account_id=alice.pk, name="c/b", now=NOW)) == (both, both)
    assert told(lambda: share(alice, "c", bob.login, "r")) == ({bob.pk}, {bob.pk})
    assert told(lambda: share(alice, "c", "anyone", "l")) == ({EVERYBODY}, both)
    assert told(lambda: share(alice, "c", "anyone", "")) == ({EVERYBODY}, both)


def test_metadata(people: tuple[Account, Account], told: Told) -> None:
    alice, bob = people

    def set_own(entry: str) -> object:
        return annotations.set_mailbox(account_id=alice.pk, name="INBOX", values={entry: b"x"})

    def set_servers(entry: str) -> object:
        return annotations.set_server(account_id=alice.pk, is_operator=True, values={entry: b"x"})

    assert told(lambda: set_own("/private/comment")) == ({alice.pk}, {alice.pk})
    assert told(lambda: set_own("/shared/comment")) == ({alice.pk}, {alice.pk})
    assert told(lambda: set_servers("/private/comment")) == ({alice.pk}, {alice.pk})
    assert told(lambda: set_servers("/shared/comment")) == ({EVERYBODY}, {alice.pk, bob.pk})


def test_watched_mailboxes_are_seen_as_list_sees_them(people: tuple[Account, Account]) -> None:
    alice, bob = people
    entry = find_mailbox(account_id=alice.pk, name="INBOX")
    own = find_mailbox(account_id=bob.pk, name="INBOX")

    def seen() -> dict[str, str]:
        ids = [entry.mailbox_id, own.mailbox_id]
        found = watching.find_watched(account_id=bob.pk, mailbox_ids=ids)
        return {each.name: each.rights for each in found}

    assert list(seen()) == ["INBOX"]
    share(alice, "INBOX", bob.login, "lr")
    assert seen() == {"INBOX": own.rights, f"Other Users/{alice.login}/INBOX": "lr"}
    share(alice, "INBOX", bob.login, "r")
    assert list(seen()) == ["INBOX"]
