"""Shared mailboxes where people do not change rights: in the administration and in webmail."""

import pytest
from django.test import Client
from django.utils import timezone

from mailboxes.accounts import add_operator
from mailboxes.models import Account, Grant, Mailbox, Message
from mailboxes.store.append import append, prepare
from mailboxes.store.by_name import subscribe
from mailboxes.store.values import Flag, NewMessage
from tests.support.hosting import PASSWORD, new_account, new_domain
from tests.webmail.mail import LETTER

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


def put(account: Account) -> Mailbox:
    """A letter in the account's INBOX."""
    inbox = Mailbox.objects.get(account=account, name="INBOX")
    message = NewMessage(prepare(LETTER))
    append(account_id=account.pk, mailbox_id=inbox.pk, contents=[message], now=timezone.now())
    return inbox


def grant(inbox: Mailbox, account: Account, rights: str) -> None:
    Grant.objects.filter(mailbox=inbox, account=account).update(rights=rights)


def flags_in(inbox: Mailbox) -> list[Flag]:
    return [Flag(bits) for bits in Message.objects.filter(mailbox=inbox).values_list("flags", flat=True)]


def test_webmail_shows_what_is_subscribed_and_may_be_read(client: Client, bob: Account) -> None:
    inbox = put(alice_of(bob))
    client.force_login(bob)
    page = client.get("/mail/", follow=True)
    assert f'href="/mail/{inbox.pk}/"' in page.content.decode()
    assert client.get(f"/mail/{inbox.pk}/").status_code == 200
    assert client.get(f"/mail/{inbox.pk}/1/").status_code == 200
    assert flags_in(inbox) == [Flag.SEEN]
    grant(inbox, bob, "ls")
    assert f'href="/mail/{inbox.pk}/"' not in client.get("/mail/", follow=True).content.decode()
    for address in ("", "1/", "1/html/", "1/source/", "1/download/", "1/reply/"):
        assert client.get(f"/mail/{inbox.pk}/{address}").status_code == 404
    assert client.post(f"/mail/{inbox.pk}/act/", {"act": "flag", "uid": "1"}).status_code == 404


def test_webmail_does_not_show_what_is_not_subscribed(client: Client, bob: Account) -> None:
    inbox = put(alice_of(bob))
    bob.subscriptions.all().delete()
    client.force_login(bob)
    assert "Other Users" not in client.get("/mail/", follow=True).content.decode()
    assert client.get(f"/mail/{inbox.pk}/1/").status_code == 404


@pytest.mark.parametrize("act", ["seen", "flag", "archive", "delete"])
def test_webmail_does_what_the_rights_allow(client: Client, bob: Account, act: str) -> None:
    inbox = put(alice_of(bob))
    grant(inbox, bob, "lr")
    client.force_login(bob)
    answer = client.post(f"/mail/{inbox.pk}/act/", {"act": act, "uid": "1"}, follow=True)
    assert "has not given you the right" in answer.content.decode()
    assert flags_in(inbox) == [Flag(0)]
    grant(inbox, bob, "lrswte")
    answer = client.post(f"/mail/{inbox.pk}/act/", {"act": act, "uid": "1"}, follow=True)
    assert "has not given you the right" not in answer.content.decode()
    assert flags_in(inbox) == {"seen": [Flag.SEEN], "flag": [Flag.FLAGGED]}.get(act, [])


def test_reading_and_answering_without_the_right_to_mark(client: Client, bob: Account) -> None:
    inbox = put(alice_of(bob))
    grant(inbox, bob, "lr")
    client.force_login(bob)
    assert client.get(f"/mail/{inbox.pk}/1/").status_code == 200
    form = {"to": bob.login, "subject": "Re: x", "text": "Yes.", "send": ""}
    answer = client.post(f"/mail/{inbox.pk}/1/reply/", form, follow=True)
    assert "Message sent." in answer.content.decode()
    assert flags_in(inbox) == [Flag(0)]


def test_what_somebody_shares_is_gone_with_the_account(client: Client, bob: Account) -> None:
    from mailboxes.accounts import remove_account

    alice = alice_of(bob)
    remove_account(account_id=alice.pk, by="test")
    assert not Grant.objects.filter(account=bob).exists()
    assert not bob.subscriptions.exists()
