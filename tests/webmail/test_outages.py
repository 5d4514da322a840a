"""A database that is away: a page that says so within seconds, nothing lost that was typed, and recovery by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import Client

from mailboxes.models import Account
from mailhost.webmail.errors import is_database_away


@contextmanager
def database_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every cursor fails as it does while Postgres is restarted, also those of sessions and sign-in."""

    def refuse() -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as away:
        away.setattr(connection, "ensure_connection", refuse)
        away.setattr(connection, "cursor", refuse)
        yield


@pytest.fixture
def browser(alice: Account) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


@pytest.mark.parametrize("path", ["/mail/", "/mail/new/", "/admin/", "/"])
def test_every_page_says_that_the_database_is_away_and_comes_back(
    browser: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    with database_away(monkeypatch):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
        assert "The database is away" in answer.content.decode()
        assert 'http-equiv="refresh"' in answer.content.decode()
    assert browser.get(path, follow=True).status_code in {200, 403}  # alice is no operator


def test_text_on_its_way_is_given_back_with_a_button_to_send_it_again(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {
        "sender": "sales@y.test",
        "to": "x@y.test",
        "subject": "<b>",
        "text": "not to be lost",
        "send": "1",
    }
    with database_away(monkeypatch):
        page = browser.post("/mail/new/", words)
        assert page.status_code == 503
        text = page.content.decode()
    assert "\nnot to be lost</textarea>" in text
    assert '<input type="hidden" name="subject" value="&lt;b&gt;">' in text
    assert '<input type="hidden" name="send" value="1">' in text
    assert (
        '<input type="hidden" name="sender" value="sales@y.test">' in text
    )  # or it would go out as somebody else
    assert 'action="/mail/new/"' in text
    assert 'http-equiv="refresh"' not in text


def test_a_password_on_its_way_is_not_written_into_a_page(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_away(monkeypatch):
        for path in ("/", "/mail/account/"):
            page = browser.post(path, {"username": "alice", "password": "s3cret", "current": "s3cret"})
            assert page.status_code == 503
            assert b"s3cret" not in page.content


def test_health_is_the_databases(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.get("/health/").status_code == 200
    with database_away(monkeypatch):
        assert browser.get("/health/").status_code == 503


def test_our_own_mistakes_are_told_apart(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mailhost.webmail.access.list_all", mistake)
    answer = browser.get("/mail/", follow=True)
    assert answer.status_code == 500
    assert b"Something broke" in answer.content


def test_an_outage_is_known_by_what_it_came_from() -> None:
    outer = ValueError()
    outer.__cause__ = OperationalError("gone")
    assert is_database_away(outer)
    assert not is_database_away(ValueError())
    assert not is_database_away(None)
