"""Grants and the rights that come of them (RFC 4314), at the store itself."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from mailboxes.exceptions import (
    MailboxNameInvalid,
    MailboxNotFound,
    NotPermitted,
    TooManyGrants,
    TooManyMailboxes,
)
from mailboxes.models import Account, Mailbox, Message
from mailboxes.store import by_name, rights
from mailboxes.store.append import append, prepare
from mailboxes.store.changes import changes_since
from mailboxes.store.flags import store_flags
from mailboxes.store.grants import change_grant, list_grants
from mailboxes.store.hierarchy import create_mailbox, find_mailbox, rename_mailbox
from mailboxes.store.locks import one
from mailboxes.store.values import ALL_RIGHTS, Flag, NewMessage
from tests.support.hosting import new_account, new_domain

SOMEBODY_WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def people(db: None) -> tuple[Account, Account]:
    domain = new_domain()
    return new_account("alice", domain=domain), new_account("bob", domain=domain)


People = tuple[Account, Account]


def grant(owner: Account, name: str, identifier: str, letters: str) -> None:
    entry = find_mailbox(account_id=owner.pk, name=name)
    change_grant(entry=entry, acting_id=owner.pk, identifier=identifier, change="replace", rights=letters)


def granted(owner: Account, name: str) -> dict[str, str]:
    entry = find_mailbox(account_id=owner.pk, name=name)
    return {each.identifier: each.rights for each in list_grants(entry=entry)}


def test_own_rights_and_those_of_anyone_add_up(people: People) -> None:
    alice, bob = people
    grant(alice, "INBOX", bob.login, "rs")
    grant(alice, "INBOX", "anyone", "li")
    name = f"Other Users/{alice.login}/INBOX"
    assert rights.find(account_id=bob.pk, name=name).rights == "lrsi"
    assert rights.find(account_id=alice.pk, name="INBOX").rights == ALL_RIGHTS
    with pytest.raises(MailboxNotFound):
        rights.find(account_id=alice.pk, name=name)  # one's own is not among those of others


def test_every_change_of_grants_is_a_change_of_the_mailbox(people: People) -> None:
    """So that sessions find it when they poll; one that changes nothing is none."""
    alice, bob = people
    before = find_mailbox(account_id=alice.pk, name="INBOX")
    grant(alice, "INBOX", bob.login, "lr")
    grant(alice, "INBOX", bob.login, "rl")
    after = find_mailbox(account_id=alice.pk, name="INBOX")
    assert (after.highest_modseq, after.flags_modseq) == (before.highest_modseq + 1, before.flags_modseq)
    seen = changes_since(
        mailbox_id=after.mailbox_id, modseq=before.highest_modseq, uid_next=1, visitor_id=bob.pk
    )
    assert (seen.rights, list(seen.changed), seen.vanished, seen.is_deleted) == ("lr", [], [], False)
    grant(alice, "INBOX", bob.login, "l")
    seen = changes_since(
        mailbox_id=after.mailbox_id, modseq=after.highest_modseq, uid_next=1, visitor_id=bob.pk
    )
    assert seen.is_deleted


def test_there_is_a_bound_on_grants(people: People, settings: Settings) -> None:
    alice, bob = people
    settings.MAX_GRANTS = 1
    grant(alice, "INBOX", bob.login, "lr")
    grant(alice, "INBOX", bob.login, "lrs")
    with pytest.raises(TooManyGrants):
        grant(alice, "INBOX", "anyone", "l")
    assert granted(alice, "INBOX") == {alice.login: ALL_RIGHTS, bob.login: "lrs"}


def test_superiors_that_are_made_on_the_way_inherit_too(people: People) -> None:
    alice, bob = people
    create_mailbox(account_id=alice.pk, name="Team", now=NOW)
    create_mailbox(account_id=alice.pk, name="Plain", now=NOW)
    grant(alice, "Team", bob.login, "lr")
    rename_mailbox(account_id=alice.pk, name="Plain", to="Team/a/b", now=NOW)
    assert granted(alice, "Team/a") == {alice.login: ALL_RIGHTS, bob.login: "lr"}
    assert granted(alice, "Team/a/b") == {alice.login: ALL_RIGHTS}  # RENAME changes no ACL


def test_the_bound_on_mailboxes_is_the_owners(people: People, settings: Settings) -> None:
    alice, bob = people
    grant(alice, "INBOX", bob.login, "k")
    settings.MAX_MAILBOXES = Mailbox.objects.filter(account=alice).count()
    with pytest.raises(TooManyMailboxes):
        by_name.create(account_id=bob.pk, name=f"Other Users/{alice.login}/INBOX/new", now=NOW)


def test_nobody_has_a_mailbox_of_his_own_called_other_users(people: People) -> None:
    alice, _ = people
    for name in ("Other Users", "Other Users/x", f"Other Users/{alice.login}/x"):
        with pytest.raises(MailboxNameInvalid):
            create_mailbox(account_id=alice.pk, name=name, now=NOW)
        with pytest.raises(MailboxNameInvalid):
            rename_mailbox(account_id=alice.pk, name="Archive", to=name, now=NOW)


def test_a_login_that_looks_like_anothers_mailbox_takes_nothing_over(people: People) -> None:
    """The shorter login is meant: whoever is called alice@example/INBOX@evil shadows nobody."""
    alice, bob = people
    mallory = new_account(f'"{alice.login}/inbox"')
    grant(alice, "INBOX", bob.login, "lr")
    grant(mallory, "INBOX", bob.login, "lr")
    shadow = f"Other Users/{mallory.login}/INBOX"
    assert rights.others_name(shadow) is not None
    with pytest.raises(MailboxNotFound):
        rights.find(account_id=bob.pk, name=shadow)
    name = f"Other Users/{alice.login}/INBOX"
    assert rights.find(account_id=bob.pk, name=name).account_id == alice.pk


def test_a_writer_that_waits_for_a_change_of_rights_sees_it(shared_db: None) -> None:
    """Rights are read under the lock: the one who took them first wins."""
    domain = new_domain()
    alice, bob = new_account("alice", domain=domain), new_account("bob", domain=domain)
    inbox = find_mailbox(account_id=alice.pk, name="INBOX")
    append(
        account_id=alice.pk,
        mailbox_id=inbox.mailbox_id,
        contents=[NewMessage(prepare(b"Subject: x\r\n\r\n"))],
        now=NOW,
    )
    grant(alice, "INBOX", bob.login, "lrw")
    outcome: list[object] = []

    def write() -> None:
        try:
            store_flags(
                mailbox_id=inbox.mailbox_id,
                uids=[1],
                mode="add",
                flags=Flag.FLAGGED,
                acting_id=bob.pk,
                now=NOW,
            )
            outcome.append("written")
        except NotPermitted:
            outcome.append("refused")
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    with transaction.atomic():
        grant(alice, "INBOX", bob.login, "lr")
        writer.start()
        while not one(SOMEBODY_WAITS, ()) and writer.is_alive():
            one("SELECT pg_sleep(0.01)", ())
    writer.join(10)
    assert outcome == ["refused"]
    assert Message.objects.get(mailbox_id=inbox.mailbox_id, uid=1).flags == 0
