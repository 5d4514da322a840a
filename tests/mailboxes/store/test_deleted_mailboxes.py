"""Rows of deleted mailboxes: what keeps them, and that their UIDVALIDITY never comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from mailboxes.models import Account, Mailbox, Subscription
from mailboxes.store import append, content, hierarchy
from mailboxes.store.deleted_mailboxes import remove_deleted_mailboxes
from mailboxes.store.values import MailboxEntry, NewMessage
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=settings.EXPUNGED_RETENTION_SECONDS, hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return new_account()


def create(account: Account, name: str, *, now: datetime = NOW) -> MailboxEntry:
    return hierarchy.create_mailbox(account_id=account.pk, name=name, now=now)


def delete(account: Account, name: str, *, now: datetime = NOW) -> int:
    return hierarchy.delete_mailbox(account_id=account.pk, name=name, now=now)


def is_there(mailbox_id: int) -> bool:
    return Mailbox.objects.filter(pk=mailbox_id).exists()


def test_a_deleted_mailbox_goes_when_its_messages_cannot_be_taken_back_any_more(account: Account) -> None:
    entry = create(account, "Old")
    create(account, "New")
    message = NewMessage(append.prepare(b"Subject: x\r\n\r\n"))
    append.append(account_id=account.pk, mailbox_id=entry.mailbox_id, contents=[message], now=NOW)
    Subscription.objects.create(account=new_account(), mailbox_id=entry.mailbox_id)
    mailbox_id = delete(account, "Old")
    remove_deleted_mailboxes(now=NOW + timedelta(hours=1))
    remove_deleted_mailboxes(now=LATER)  # its message is still in the journal
    assert is_there(mailbox_id)
    content.remove_expired(now=LATER)
    assert remove_deleted_mailboxes(now=LATER) == 1
    assert not is_there(mailbox_id)


def test_the_living_and_the_subscribed_stay(account: Account) -> None:
    for name in ("Subscribed", "Living", "Gone", "Last"):
        create(account, name)
    hierarchy.set_subscribed(account_id=account.pk, name="Subscribed", is_subscribed=True)
    for name in ("Subscribed", "Gone"):
        delete(account, name)
    assert remove_deleted_mailboxes(now=LATER) == 1
    names = {entry.name for entry in hierarchy.list_mailboxes(account_id=account.pk)}
    assert {"Subscribed", "Living", "Last"} <= names
    hierarchy.set_subscribed(account_id=account.pk, name="Subscribed", is_subscribed=False)
    assert remove_deleted_mailboxes(now=LATER) == 1


def test_uidvalidity_grows_on_whatever_the_clock_does(account: Account) -> None:
    first = create(account, "Box", now=LATER)
    delete(account, "Box", now=NOW)  # the clock was set back
    remove_deleted_mailboxes(now=LATER)
    second = create(account, "Box", now=NOW)
    assert second.uid_validity > first.uid_validity
    assert remove_deleted_mailboxes(now=LATER) == 1
    delete(account, "Box", now=NOW)
    remove_deleted_mailboxes(now=LATER)
    assert create(account, "Box", now=NOW).uid_validity > second.uid_validity
