"""Passwords that are guessed over SMTP, IMAP and POP3 count together, and who goes on is banned from all of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pytest_django.fixtures import Settings

from tests.support.hosting import PASSWORD
from tests.support.sasl_doors import NO, YES, SaslDoor

if TYPE_CHECKING:
    from mailboxes.models import Account

# How each says that no password is looked at any more.
TOO_MANY = {"imap": "a NO [LIMIT]", "pop3": "-ERR [SYS/TEMP]", "smtp": "454 4.7.0"}


def guess(enter: Callable[[str], SaslDoor], door: str, login: str, password: str) -> str:
    """The door's final word."""
    opened = enter(door)
    assert opened.begin("PLAIN") == b""
    answer = opened.go_on(f"\0{login}\0{password}".encode())
    assert isinstance(answer, str)
    opened.leave()
    return answer


@pytest.mark.parametrize("last", ["imap", "pop3", "smtp"])
def test_doors_count_together(
    enter: Callable[[str], SaslDoor], account: "Account", settings: Settings, last: str
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = settings.LOGIN_FREE_FAILURES = 3
    settings.LOGIN_MAX_FAILURES_PER_ADDRESS = 10_000
    for door in ("smtp", "imap", "pop3"):
        assert guess(enter, door, account.login, "wrong").startswith(NO[door])
    assert guess(enter, last, account.login, PASSWORD).startswith(TOO_MANY[last])


def test_the_right_password_is_taken_where_there_were_too_few(
    enter: Callable[[str], SaslDoor], account: "Account", settings: Settings
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = settings.LOGIN_FREE_FAILURES = 3
    settings.LOGIN_MAX_FAILURES_PER_ADDRESS = 10_000
    for door in ("smtp", "imap"):
        assert guess(enter, door, account.login, "wrong").startswith(NO[door])
    assert guess(enter, "pop3", account.login, PASSWORD).startswith(YES["pop3"])


def test_who_goes_on_is_banned(
    enter: Callable[[str], SaslDoor], account: "Account", settings: Settings
) -> None:
    from mailhost.bans.banning import active_bans, unban
    from mailhost.net import counters

    counters.forget("offences:127.0.0.1/32")
    settings.LOGIN_MAX_FAILURES_PER_ADDRESS = 0
    settings.BAN_AFTER_OFFENCES = 3
    for door in TOO_MANY:
        assert guess(enter, door, account.login, PASSWORD).startswith(TOO_MANY[door])
    bans = {each.network: each for each in active_bans(now=datetime.now(UTC))}
    assert bans["127.0.0.1/32"].reason == "went on guessing passwords, 3 times"
    unban(network="127.0.0.1", by="test")
