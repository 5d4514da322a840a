"""USER, PASS, AUTH, STLS and CAPA."""

import base64
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.transcript import Conversation, converse

if TYPE_CHECKING:
    from mailboxes.models import Account


def plain(authzid: str, login: str, password: str) -> str:
    return base64.b64encode(f"{authzid}\0{login}\0{password}".encode()).decode()


def test_without_tls_no_password_is_taken_and_no_way_to_send_one_is_named(
    ports: dict[str, int], account: "Account"
) -> None:
    converse(
        ports["pop3"],
        """
        S: +OK localhost POP3 ready.
        C: CAPA
        S: +OK Capabilities follow.
        S: TOP
        S: UIDL
        S: PIPELINING
        S: RESP-CODES
        S: AUTH-RESP-CODE
        S: EXPIRE NEVER
        S: UTF8 USER
        S: LANG
        S: STLS
        S: .
        C: USER {login}
        S: -ERR Passwords need TLS here…
        C: PASS correct horse
        S: -ERR Passwords need TLS here…
        C: AUTH PLAIN {plain}
        S: -ERR Passwords need TLS here…
        C: AUTH
        S: +OK Mechanisms follow.
        S: .
        C: QUIT
        S: +OK Goodbye.
        S!
        """,
        login=account.login,
        plain=plain("", account.login, "correct horse"),
    )


def test_stls_then_user_and_pass(ports: dict[str, int], account: "Account") -> None:
    converse(
        ports["pop3"],
        """
        S: +OK…
        C: STLS
        S: +OK Begin TLS.
        =: TLS
        C: CAPA
        S: +OK…
        S~ USER
        S: SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN
        S: .
        C: STLS
        S: -ERR TLS is active already.
        C: USER {login}
        S: +OK
        C: PASS correct horse
        S: +OK 0 messages.
        C: STLS
        S: -ERR Not in the TRANSACTION state.
        C: CAPA
        S: +OK…
        S~ LANG
        S: IMPLEMENTATION mailhost
        S: .
        C: STAT
        S: +OK 0 0
        C: LIST
        S: +OK…
        S: .
        C: QUIT
        S: +OK Goodbye.
        S!
        """,
        login=account.login,
    )


def test_what_was_said_before_tls_is_forgotten(
    ports: dict[str, int], account: "Account", settings: Settings
) -> None:
    settings.ALLOW_PLAINTEXT_LOGIN = True
    converse(
        ports["pop3"],
        r"""
        S: +OK…
        C: USER {login}
        S: +OK
        C| STLS\r\nCAPA\r\nQUIT\r\n
        S: +OK Begin TLS.
        =: TLS
        C: PASS correct horse
        S: -ERR USER comes first.
        C: NOOP
        S: -ERR Not in the AUTHORIZATION state.
        """,
        login=account.login,
    )


def test_auth_plain_with_and_without_an_initial_response(ports: dict[str, int], account: "Account") -> None:
    for script in (
        """
        S: +OK…
        C: AUTH PLAIN {plain}
        S: +OK 0 messages.
        """,
        """
        S: +OK…
        C: AUTH
        S: +OK Mechanisms follow.
        S: SCRAM-SHA-256-PLUS
        S: SCRAM-SHA-256
        S: PLAIN
        S: LOGIN
        S: .
        C: auth plain
        S: + …
        C: *
        S: -ERR Authentication cancelled.
        C: AUTH PLAIN
        S: + …
        C: not base64
        S: -ERR This is not base64.
        C: AUTH PLAIN =
        S: -ERR PLAIN takes three fields separated by NUL.
        C: AUTH CRAM-MD5
        S: -ERR There is no such mechanism.
        C: AUTH PLAIN
        S: + …
        C: {plain}
        S: +OK 0 messages.
        C: AUTH PLAIN {plain}
        S: -ERR Not in the TRANSACTION state.
        """,
    ):
        converse(ports["pop3s"], script, tls=True, plain=plain("", account.login, "correct horse"))


def test_acting_for_oneself_may_be_said_and_for_others_not(ports: dict[str, int], account: "Account") -> None:
    converse(
        ports["pop3s"],
        """
        S: +OK…
        C: AUTH PLAIN {other}
        S: -ERR [AUTH] You may act as yourself alone.
        C: AUTH PLAIN {own}
        S: +OK 0 messages.
        """,
        tls=True,
        other=plain("bob@example.test", account.login, "correct horse"),
        own=plain(account.login.upper(), account.login, "correct horse"),
    )


def test_wrong_passwords_are_told_apart_from_a_store_that_is_away_and_end_the_session(
    ports: dict[str, int], account: "Account"
) -> None:
    converse(
        ports["pop3s"],
        """
        S: +OK…
        C: PASS correct horse
        S: -ERR USER comes first.
        C: USER {login}
        S: +OK
        C: PASS wrong
        S: -ERR [AUTH] The login or the password is wrong.
        C: PASS correct horse
        S: -ERR USER comes first.
        C: USER nobody-{login}
        S: +OK
        C: PASS correct horse
        S: -ERR [AUTH] The login or the password is wrong.
        C: AUTH PLAIN AGEAYg==
        S: -ERR [AUTH] The login or the password is wrong.
        S!
        """,
        tls=True,
        login=account.login,
    )


def test_too_many_wrong_passwords_are_not_looked_at(
    ports: dict[str, int], account: "Account", settings: Settings
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = 1
    converse(
        ports["pop3s"],
        """
        S: +OK…
        C: USER {login}
        S: +OK
        C: PASS wrong
        S: -ERR [AUTH]…
        C: USER {login}
        S: +OK
        C: PASS correct horse
        S: -ERR [SYS/TEMP] Too many wrong passwords. Try again later.
        """,
        tls=True,
        login=account.login,
    )


def test_an_operator_without_a_mailbox_is_told(ports: dict[str, int]) -> None:
    from mailboxes.accounts import add_operator

    operator = add_operator(login=f"root-{ports['pop3']}", password="correct horse", by="test")
    converse(
        ports["pop3s"],
        """
        S: +OK…
        C: USER {login}
        S: +OK
        C: PASS correct horse
        S: -ERR [SYS/PERM] This account has no mailbox.
        C: QUIT
        S: +OK Goodbye.
        """,
        tls=True,
        login=operator.login,
    )


def test_bad_commands_are_counted_and_too_many_end_the_session(
    ports: dict[str, int], settings: Settings
) -> None:
    settings.POP3_MAX_BAD_COMMANDS = 4
    long_line = "x" * 10_000
    converse(
        ports["pop3"],
        rf"""
        S: +OK…
        C: XYZZY
        S: -ERR There is no such command.
        C: RETR 1
        S: -ERR Not in the AUTHORIZATION state.
        C: {long_line}
        S: -ERR The line is too long.
        C| \xff\xfe\x00\r\n
        S: -ERR Too many bad commands.
        S!
        """,
    )


@pytest.mark.parametrize("setting", ["POP3_LOGIN_TIMEOUT_SECONDS", "POP3_AUTOLOGOUT_SECONDS"])
def test_an_idle_session_ends_without_a_word(
    ports: dict[str, int], account: "Account", settings: Settings, setting: str
) -> None:
    with Conversation(ports["pop3s"], tls=True, words={"login": account.login}) as conversation:
        conversation.follow("S: +OK…")
        if setting == "POP3_AUTOLOGOUT_SECONDS":
            setattr(settings, setting, 0.05)
            conversation.follow("C: USER {login}\nS: +OK\nC: PASS correct horse\nS: +OK…")
        else:
            setattr(settings, setting, 0.05)
            conversation.follow("C: CAPA\nS~ .")
        conversation.follow("S!")
