"""OAUTHBEARER (RFC 7628) and XOAUTH2 at every door; AUTH=LOGIN of IMAP and POP3."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.sasl_doors import BAD, DOORS, NO, YES, SaslDoor

if TYPE_CHECKING:
    from mailboxes.models import Account

Enter = Callable[[str], SaslDoor]
each_door = pytest.mark.parametrize("protocol", sorted(DOORS))


def check(token: str) -> str | None:
    """What a token issuer is to be: it says whose token this is."""
    login, _, secret = token.partition("/")
    return login.replace("~", "@") if secret == "good" else None


@pytest.fixture
def issuer(settings: Settings) -> None:
    settings.TOKEN_CHECKER = f"{__name__}.check"


def token(account: "Account", secret: str = "good") -> str:
    return f"{account.login.replace('@', '~')}/{secret}"


def oauthbearer(token: str, login: str = "") -> bytes:
    return f"n,{f'a={login}' if login else ''},\x01host=x\x01auth=Bearer {token}\x01\x01".encode()


def xoauth2(token: str, login: str) -> bytes:
    return f"user={login}\x01auth=Bearer {token}\x01\x01".encode()


@each_door
def test_a_good_token_lets_in(enter: Enter, account: "Account", issuer: None, protocol: str) -> None:
    for mechanism, message in (
        ("OAUTHBEARER", oauthbearer(token(account))),
        ("OAUTHBEARER", oauthbearer(token(account), account.login)),
        ("XOAUTH2", xoauth2(token(account), account.login.upper())),
    ):
        door = enter(protocol)
        answer = door.begin(mechanism, message)
        assert isinstance(answer, str)
        assert answer.startswith(YES[protocol])
        door.leave()
    door = enter(protocol)
    assert door.begin("XOAUTH2") == b""
    answer = door.go_on(xoauth2(token(account), account.login))
    assert isinstance(answer, str)
    assert answer.startswith(YES[protocol])


@each_door
def test_any_other_token_is_refused_in_json(
    enter: Enter, account: "Account", issuer: None, protocol: str
) -> None:
    door = enter(protocol)
    for mechanism, message, last, status in (
        ("OAUTHBEARER", oauthbearer(token(account, "bad")), b"\x01", "invalid_token"),
        ("XOAUTH2", xoauth2(token(account), "bob@example.test"), b"", "401"),
    ):
        challenge = door.begin(mechanism, message)
        assert isinstance(challenge, bytes), challenge
        assert json.loads(challenge)["status"] == status
        answer = door.go_on(last)
        assert isinstance(answer, str)
        assert answer.startswith(NO[protocol])
    answer = door.begin("OAUTHBEARER", b"n,,hello")
    assert isinstance(answer, str)
    assert answer.startswith(BAD[protocol])


@each_door
def test_a_token_opens_no_closed_door(enter: Enter, account: "Account", issuer: None, protocol: str) -> None:
    account.closed_protocols = [protocol]
    account.save()
    door = enter(protocol)
    assert isinstance(door.begin("OAUTHBEARER", oauthbearer(token(account))), bytes)
    answer = door.go_on(b"\x01")
    assert isinstance(answer, str)
    assert answer.startswith(NO[protocol])


@each_door
def test_without_an_issuer_no_token_is_asked_for(enter: Enter, account: "Account", protocol: str) -> None:
    for mechanism, message in (
        ("OAUTHBEARER", oauthbearer(token(account))),
        ("XOAUTH2", xoauth2(token(account), account.login)),
    ):
        answer = enter(protocol).begin(mechanism, message)
        assert isinstance(answer, str)
        assert answer.startswith({"imap": "a NO [CANNOT]", "pop3": "-ERR ", "smtp": "504 5.5.4"}[protocol])


def test_what_is_told_follows_the_settings(enter: Enter, issuer: None, settings: Settings) -> None:
    settings.SASL_MECHANISMS = ("XOAUTH2", "PLAIN", "OAUTHBEARER")
    client = enter("pop3").client
    client.send(b"CAPA\r\n")
    lines = []
    while (line := client.read_line()) != b".\r\n":
        lines.append(line)
    assert b"SASL XOAUTH2 PLAIN OAUTHBEARER\r\n" in lines
    client = enter("imap").client
    client.send(b"a CAPABILITY\r\n")
    told = (client.read_line() or b"").split()
    assert [word for word in told if word.startswith(b"AUTH=")] == [
        b"AUTH=XOAUTH2",
        b"AUTH=PLAIN",
        b"AUTH=OAUTHBEARER",
    ]


@each_door
def test_login_asks_twice(enter: Enter, account: "Account", protocol: str) -> None:
    door = enter(protocol)
    assert door.begin("LOGIN") == b"Username:"
    assert door.go_on(account.login.encode()) == b"Password:"
    answer = door.go_on(b"correct horse")
    assert isinstance(answer, str)
    assert answer.startswith(YES[protocol])


def test_settings_that_name_nothing_are_found(settings: Settings) -> None:
    from mailboxes.checks import check_signing_in

    assert check_signing_in() == []
    settings.SASL_MECHANISMS = ("PLAIN", "CRAM-MD5")
    settings.TOKEN_CHECKER = "mailboxes.nowhere.check"
    assert [found.id for found in check_signing_in()] == ["mailboxes.E001", "mailboxes.E002"]
