"""Whoever writes is told below the line of recipients who of them gets nothing, before it is sent."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from delivery.suppression_lists import suppress
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account
from tests.webmail.conftest import Statements

WHERE = "/mail/new/suppressed/"


@pytest.fixture
def alice(client: Client, db: None) -> Account:
    alice = new_account("alice")
    client.force_login(alice)
    return alice


def put(address: str, account: Account, *, domain: str = "", reason: str = "He asked me to.") -> None:
    suppress(
        address=EmailAddress.parse(address),
        account_id=None if domain else account.pk,
        domain=domain,
        reason=reason,
        by="test",
        now=datetime.now(UTC),
    )


def hint(client: Client, typed: str, line: str = "to") -> str:
    answer = client.post(WHERE, {line: typed})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("line", ["to", "cc", "bcc"])
def test_it_says_who_gets_nothing_why_and_who_lifts_it(client: Client, alice: Account, line: str) -> None:
    put("bob@far.test", alice)
    put("carol@far.test", alice, domain=alice.login.partition("@")[2], reason="")
    text = hint(client, "Bob <BOB@far.test>; carol@far.test, dave@far.test", line)
    assert "bob@far.test was put on the suppression list" in text
    assert "He asked me to. You can lift it in webmail" in text
    assert "An administrator of your domain can lift it." in text
    assert "dave" not in text


@pytest.mark.parametrize("typed", ["", "dave@far.test", "bob@far.te", "bob@", '"', "x" * 200_000])
def test_of_others_and_of_what_is_no_address_yet_nothing_is_said(
    client: Client, alice: Account, typed: str
) -> None:
    put("bob@far.test", alice)
    assert hint(client, typed).strip() == ""


def test_mail_to_mailboxes_here_is_no_matter_of_the_list(client: Client, alice: Account) -> None:
    bob = new_account("bob")
    put(bob.login, alice)
    assert hint(client, bob.login).strip() == ""


def test_another_accounts_list_is_not_told(client: Client, alice: Account) -> None:
    put("bob@far.test", new_account("eve"))
    assert hint(client, "bob@far.test").strip() == ""


def test_reasons_are_text(client: Client, alice: Account) -> None:
    put("bob@far.test", alice, reason="<script>alert(1)</script>")
    assert "<script>" not in hint(client, "bob@far.test")


def test_many_take_as_many_statements_as_one(client: Client, alice: Account, statements: Statements) -> None:
    with statements() as few:
        hint(client, "bob@far.test")
    with statements() as many:
        hint(client, ", ".join(f"r{number}@far.test" for number in range(100)))
    assert len(many) == len(few)


def test_it_is_for_who_is_signed_in_and_leaves_no_address_in_a_log(client: Client, alice: Account) -> None:
    assert client.get(WHERE + "?to=bob@far.test").status_code == 405
    client.logout()
    assert client.post(WHERE, {"to": "bob@far.test"}).status_code == 302


def test_each_line_asks_for_its_own_alone_and_at_once_where_it_is_filled_in(
    client: Client, alice: Account
) -> None:
    put("bob@far.test", alice)
    again = client.post("/mail/new/", {"to": "bob@far.test", "text": "x", "send": "1"}).content.decode()
    assert "load" not in again.partition(WHERE)[2].partition(">")[0]  # it stands above already
    text = client.get("/mail/new/?to=bob@far.test").content.decode()
    assert (
        f'hx-post="{WHERE}" hx-trigger="change from:#id_to, load" hx-params="to,csrfmiddlewaretoken"' in text
    )
    assert f'hx-post="{WHERE}" hx-trigger="change from:#id_cc" hx-params="cc,csrfmiddlewaretoken"' in text
