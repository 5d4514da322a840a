"""Choosing as whom one writes: own address, aliases, and mailboxes of others that lend their names (RFC 4314, "p")."""

from typing import Any

import pytest
from django.test import Client

from delivery.models import QueuedMessage
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account, Grant, Mailbox
from mailboxes.store.by_name import subscribe
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account
from tests.webmail.conftest import Deliver
from tests.webmail.mail import LETTER, mailbox_id
from tests.webmail.test_compose import count, latest, write


@pytest.fixture
def sales(alice: Account) -> Account:
    """An account whose INBOX alice reads, and in whose name she may send."""
    assert alice.address is not None
    sales = new_account("sales", domain=alice.address.domain.name)
    change_account(account_id=sales.pk, display_name="Sales", by="test")
    inbox = Mailbox.objects.get(account=sales, name="INBOX")
    Grant.objects.create(mailbox=inbox, account=alice, rights="lrswp")
    subscribe(account_id=alice.pk, name=f"Other Users/{sales.login}/INBOX", is_subscribed=True)
    return sales


def form_at(client: Client, where: str) -> dict[str, Any]:
    form = client.get(where).context["form"]
    return {name: form[name].value() for name in ("sender", "to", "cc", "subject", "text")}


def test_a_message_goes_out_in_the_name_that_was_chosen(
    signed_in: Client, alice: Account, sales: Account
) -> None:
    bob = new_account("bob")
    page = signed_in.get("/mail/new/").content.decode()
    assert f"Sales &lt;{sales.login}&gt;" in page
    answer = write(signed_in, sender=sales.login, to=f"{bob.login}, x@elsewhere.test")
    assert answer.status_code == 302
    assert latest(bob)["From"] == f"Sales <{sales.login}>"
    assert "Sender" not in latest(bob)
    queued = QueuedMessage.objects.get(account=alice)
    assert (queued.reverse_path, queued.account_id) == (sales.login, alice.pk)
    assert (count(alice, "Sent"), count(sales, "Sent")) == (1, 0)


@pytest.mark.parametrize("rights", ["lrswiteka", ""])
def test_without_the_right_the_name_is_neither_offered_nor_taken(
    signed_in: Client, alice: Account, sales: Account, rights: str
) -> None:
    Grant.objects.filter(account=alice).update(rights=rights)
    assert (
        sales.login not in signed_in.get("/mail/new/").content.decode().partition('<form class="compose"')[2]
    )
    answer = write(signed_in, sender=sales.login, to="x@elsewhere.test")
    assert answer.status_code == 422
    assert "You may not send as that address any more" in answer.content.decode()
    assert "may be lost" in answer.content.decode()
    assert not QueuedMessage.objects.filter(account=alice).exists()


def test_an_account_with_one_address_has_nothing_to_choose(signed_in: Client, alice: Account) -> None:
    page = signed_in.get("/mail/new/").content.decode()
    assert f'<span class="fixed">{alice.login}</span>' in page
    assert "<select" not in page.partition('<form class="compose"')[2]


def test_an_answer_goes_out_as_the_address_that_was_written_to(
    signed_in: Client, alice: Account, sales: Account, deliver: Deliver
) -> None:
    assert alice.address is not None
    shop = f"shop@{alice.address.domain.name}"
    set_alias(address=EmailAddress.parse(shop), targets=[EmailAddress.parse(alice.login)], by="test")
    uid = deliver(alice, LETTER.replace(b"alice@example.test", f"{sales.login}, {shop}".encode()))
    assert form_at(signed_in, f"/mail/{mailbox_id(alice)}/{uid}/reply/")["sender"] == shop
    uid = deliver(alice)
    assert form_at(signed_in, f"/mail/{mailbox_id(alice)}/{uid}/reply/")["sender"] == alice.login


def test_an_answer_from_a_shared_mailbox_is_its_owners(
    signed_in: Client, alice: Account, sales: Account, deliver: Deliver
) -> None:
    people = f"{sales.login}, {alice.login}, Carol <carol@elsewhere.test>"
    uid = deliver(sales, LETTER.replace(b"alice@example.test", people.encode()))
    where = f"/mail/{mailbox_id(sales)}/{uid}/reply-all/"
    form = form_at(signed_in, where)
    assert form["sender"] == sales.login
    assert form["cc"] == "Carol <carol@elsewhere.test>"
    assert write(signed_in, where, **form).status_code == 302
    assert latest(alice, "Sent")["From"] == f"Sales <{sales.login}>"


def test_a_draft_goes_on_under_its_name(signed_in: Client, alice: Account, sales: Account) -> None:
    where = write(signed_in, sender=sales.login, to="x@elsewhere.test", save="1").headers["Location"]
    assert latest(alice, "Drafts")["From"] == f"Sales <{sales.login}>"
    assert form_at(signed_in, where)["sender"] == sales.login
    Grant.objects.filter(account=alice).update(rights="lrsw")
    assert form_at(signed_in, where)["sender"] == alice.login


def test_the_answer_to_what_one_sent_under_a_name_goes_on_to_its_readers(
    signed_in: Client, alice: Account, sales: Account
) -> None:
    write(signed_in, sender=sales.login, to="x@elsewhere.test")
    sent = mailbox_id(alice, "Sent")
    assert form_at(signed_in, f"/mail/{sent}/1/reply/")["to"] == "x@elsewhere.test"
