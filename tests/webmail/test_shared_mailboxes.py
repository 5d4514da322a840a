"""Shared mailboxes where people do not change rights: the administration shows them, webmail keeps to one's own."""

import pytest
from django.test import Client

from mailboxes.accounts import add_operator
from mailboxes.models import Account, Grant, Mailbox
from mailboxes.store.by_name import subscribe
from tests.support.hosting import PASSWORD, new_account, new_domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob() -> Account:
    """Reads alice's INBOX; it is subscribed."""
    domain = new_domain()
    alice, bob = new_account("alice", domain=domain), new_account("bob", domain=domain)
    inbox = Mailbox.objects.get(account=alice, name="INBOX")
    Grant.objects.create(mailbox=inbox, account=bob, rights="lrswite")
    Grant.objects.create(mailbox=inbox, account=None, rights="l")
    subscribe(account_id=bob.pk, name=f"Other Users/{alice.login}/INBOX", is_subscribed=True)
    return bob


def alice_of(bob: Account) -> Account:
    return Account.objects.get(login=bob.login.replace("bob@", "alice@"))


def test_the_administration_shows_what_is_shared_and_changes_nothing_of_it(
    client: Client, bob: Account
) -> None:
    client.force_login(add_operator(login="root", password=PASSWORD, by="test"))
    page = client.get(f"/admin/mailboxes/account/{alice_of(bob).pk}/change/")
    assert f"INBOX: {bob.login} lrswite<br>INBOX: anyone l" in page.content.decode()
    page = client.get(f"/admin/mailboxes/account/{bob.pk}/change/")
    assert "lrswite" not in page.content.decode()


def test_webmail_shows_ones_own_mailboxes(client: Client, bob: Account) -> None:
    """Rights hold here too: what webmail does not look at, it refuses."""
    client.force_login(bob)
    page = client.get("/mail/", follow=True)
    assert page.status_code == 200
    assert "Other Users" not in page.content.decode()
    inbox = Mailbox.objects.get(account=alice_of(bob), name="INBOX")
    assert client.get(f"/mail/{inbox.pk}/").status_code == 404


def test_what_somebody_shares_is_gone_with_the_account(client: Client, bob: Account) -> None:
    from mailboxes.accounts import remove_account

    alice = alice_of(bob)
    remove_account(account_id=alice.pk, by="test")
    assert not Grant.objects.filter(account=bob).exists()
    assert not bob.subscriptions.exists()
