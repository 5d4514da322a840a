"""Signing in at the front page."""

import pytest
from django.test import Client
from pytest_django import Settings

from mailboxes.accounts import add_operator, change_account
from mailboxes.models import Account
from tests.support.hosting import PASSWORD


@pytest.mark.django_db
def test_the_front_page_asks_to_sign_in(client: Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert b'autocomplete="username"' in page.content
    assert b'autocomplete="current-password"' in page.content


def test_an_account_goes_on_to_its_mail(client: Client, alice: Account) -> None:
    answer = client.post("/", {"username": alice.login.upper(), "password": PASSWORD}, follow=True)
    assert answer.request["PATH_INFO"].startswith("/mail/")
    assert b"All done" in answer.content


@pytest.mark.django_db
def test_an_operator_without_a_mailbox_goes_on_to_the_administration(client: Client) -> None:
    add_operator(login="root", password=PASSWORD, by="test")
    answer = client.post("/", {"username": "root", "password": PASSWORD})
    assert answer.headers["Location"] == "/admin/"
    assert client.get("/mail/").headers["Location"] == "/admin/"


def test_whoever_is_signed_in_is_not_asked_again(signed_in: Client) -> None:
    assert signed_in.get("/").headers["Location"] == "/mail/"


def test_a_wrong_password_is_told_without_saying_which_was_wrong(client: Client, alice: Account) -> None:
    wrong = client.post("/", {"username": alice.login, "password": "wrong"})
    unknown = client.post("/", {"username": "nobody@nowhere.test", "password": "wrong"})
    for page in (wrong, unknown):
        assert b"The address or the password is wrong." in page.content


def test_a_disabled_account_cannot_sign_in_and_is_signed_out(signed_in: Client, alice: Account) -> None:
    change_account(account_id=alice.pk, is_enabled=False, by="test")
    assert signed_in.get("/mail/").headers["Location"].startswith("/?next=")
    page = signed_in.post("/", {"username": alice.login, "password": PASSWORD})
    assert b"The address or the password is wrong." in page.content


def test_wrong_passwords_are_answered_ever_slower(
    client: Client, alice: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOGIN_FREE_FAILURES = 1
    waited: list[float] = []
    monkeypatch.setattr("mailhost.webmail.sign_in.sleep", waited.append)
    for _ in range(4):
        client.post("/", {"username": alice.login, "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    assert waited == [1.0, 2.0, 4.0]


def test_too_many_wrong_passwords_are_refused_with_a_reason(
    client: Client, alice: Account, settings: Settings
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = 2
    for _ in range(2):
        client.post("/", {"username": alice.login, "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    page = client.post("/", {"username": alice.login, "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
    assert b"Too many wrong passwords. Try again in 15 minutes." in page.content
    other_network = client.post(
        "/", {"username": alice.login, "password": PASSWORD}, REMOTE_ADDR="198.51.100.7"
    )
    assert other_network.status_code == 302


def test_signing_out_takes_a_post(signed_in: Client) -> None:
    assert signed_in.get("/sign-out/").status_code == 405
    assert signed_in.post("/sign-out/").headers["Location"] == "/"
    assert signed_in.get("/mail/").headers["Location"] == "/?next=/mail/"


def test_sign_in_goes_on_to_where_one_wanted_to_go_on_this_host_only(client: Client, alice: Account) -> None:
    words = {"username": alice.login, "password": PASSWORD}
    assert client.post("/", words | {"next": "/mail/new/"}).headers["Location"] == "/mail/new/"
    client.logout()
    assert client.post("/", words | {"next": "https://evil.test/"}).headers["Location"] == "/mail/"


def test_the_admin_is_not_for_account_holders(signed_in: Client) -> None:
    assert signed_in.get("/admin/", follow=True).status_code == 403


@pytest.mark.django_db
def test_the_admin_sends_strangers_to_the_front_page(client: Client) -> None:
    answer = client.get("/admin/domains/", follow=True)
    assert answer.request["PATH_INFO"] == "/"
    assert b'name="next" value="/admin/domains/"' in answer.content
