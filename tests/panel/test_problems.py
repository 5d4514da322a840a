"""Delivery problems: an administrator's of one's own domains, an operator's of the whole host, an account's own."""

import pytest
from django.test import Client
from pytest_django import Settings

from delivery.models import Destination, QueuedMessage, QueuedRecipient, ReturnedKind
from delivery.relay.outcome import Deferred, Delivered, Peer
from delivery.returned import note_returned
from mailboxes.models import Account
from tests.delivery.test_causes import LISTED, SOON, UNKNOWN, end, submit
from tests.support.hosting import new_account
from tests.support.queueing import NOON
from tests.webmail.conftest import Statements, admin_pages, operator

__all__ = ["admin_pages", "operator"]

WHERE = "/panel/problems/"


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    QueuedMessage.objects.all().delete()  # what other tests have committed
    Destination.objects.all().delete()


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is just after the attempts."""
    for module in (
        "mailhost.panel.pages.problems",
        "delivery.admin_causes",
        "mailhost.webmail.pages.deliveries",
    ):
        monkeypatch.setattr(f"{module}.timezone.now", lambda: SOON)


def test_what_accounts_of_ones_domains_have_sent(pages: Client, ours: str, theirs: str) -> None:
    submit(new_account("bob", domain=ours), "a@one.test", "b@two.test")
    submit(new_account("eve", domain=theirs), "c@three.test")
    end(LISTED, two=UNKNOWN)
    text = pages.get(WHERE).content.decode()
    assert "a list that the other server asks: zen.spamhaus.org" in text
    assert "ask the list or the provider" in text
    assert "What waits" in text
    assert "What came back within a day" in text
    assert "one.test" in text
    assert "three.test" not in text


def complained(ours: str) -> Account:
    """Somebody about whose mail one complained, and another one on somebody's word."""
    bob = new_account("bob", domain=ours)
    submit(bob, "a@one.test", "b@one.test")
    end(Delivered("250 ok"))
    first, second = QueuedRecipient.objects.order_by("pk").values_list("pk", flat=True)
    complaint = ReturnedKind.COMPLAINT
    note_returned(kind=complaint, recipient_id=first, is_proven=True, now=NOON)
    note_returned(kind=complaint, recipient_id=second, now=NOON)
    return bob


def test_complaints_say_whose_people_and_what_to_do(pages: Client, client: Client, ours: str) -> None:
    bob = complained(ours)
    text = " ".join(pages.get(WHERE).content.decode().split())
    assert "<strong>1</strong> complaint from <b" in text
    assert "These people marked it as junk" in text
    assert "Look at what these accounts send" in text
    assert f"About mail of {bob.login} (2)." in text
    assert "Somebody says that there was 1 more from" in text
    assert "There are none" not in text
    client.force_login(bob)
    own = client.get("/mail/deliveries/").content.decode()
    assert "Who complained about your mail" in own
    assert "Write only to who asked for it" in own
    assert "Look at what these accounts send" not in own


def test_operators_see_all_complaints(admin_pages: Client, ours: str) -> None:
    complained(ours)
    assert "marked it as junk" in admin_pages.get("/admin/delivery/destination/problems/").content.decode()


def test_nothing_is_wrong(pages: Client) -> None:
    assert "There are none" in pages.get(WHERE).content.decode()


def test_it_is_for_domain_administrators(client: Client, ours: str) -> None:
    assert client.get(WHERE)["Location"].startswith("/?next=")
    client.force_login(new_account("bob", domain=ours))
    assert client.get(WHERE).status_code == 403


def test_an_operator_sees_everybodys(admin_pages: Client) -> None:
    submit(new_account("bob"), "a@one.test")
    submit(None, "b@two.test")
    end(LISTED)
    text = admin_pages.get("/admin/delivery/destination/problems/").content.decode()
    assert "For one.test, two.test" in text
    assert "/problems/" in admin_pages.get("/admin/delivery/destination/").content.decode()


def test_who_is_no_operator_does_not(client: Client, ada: Account) -> None:
    client.force_login(ada)
    assert client.get("/admin/delivery/destination/problems/").status_code == 302


def test_an_account_sees_its_own_with_words_for_it(client: Client) -> None:
    bob, eve = new_account("bob"), new_account("eve")
    submit(bob, "a@one.test")
    submit(eve, "b@two.test")
    end(LISTED)
    client.force_login(bob)
    text = client.get("/mail/deliveries/").content.decode()
    assert "What you sent that did not arrive" in text
    assert "Tell your mail administrator" in text
    assert "two.test" not in text


def test_hostile_replies_are_text(pages: Client, ours: str) -> None:
    submit(new_account("bob", domain=ours), "a@one.test")
    end(Deferred("4.0.0", "451 <script>alert(1)</script>", peer=Peer("<b>mx</b>", "")))
    text = pages.get(WHERE).content.decode()
    assert "<script>alert" not in text
    assert "<b>mx</b>" not in text


def test_many_groups_take_as_many_statements_as_few(pages: Client, ours: str, statements: Statements) -> None:
    bob = new_account("bob", domain=ours)
    submit(bob, "a@one.test")
    end(LISTED)
    with statements() as few:
        pages.get(WHERE)
    submit(bob, *(f"a@d{number}.test" for number in range(30)))
    end(UNKNOWN)
    with statements() as many:
        pages.get(WHERE)
    assert len(many) == len(few) <= 4  # session, account, domains, problems
