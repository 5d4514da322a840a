"""UTF8 and LANG (RFC 6856)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import converse

if TYPE_CHECKING:
    from mailboxes.models import Account

Put = Callable[[Sequence[bytes]], list[int]]
ENTER = "C: USER {login}\nS: +OK\nC: PASS correct horse\nS: +OK…\n"
SMALL = "Subject: Grüße\r\nX-Sprache: Köln\r\n\r\nKörper\r\n".encode()
LARGE = SMALL + b"x" * 300_000


@pytest.mark.parametrize("number", [1, 2])
def test_headers_are_told_as_they_are_only_to_clients_that_asked(
    ports: dict[str, int], account: "Account", put: Put, number: int
) -> None:
    put([SMALL, LARGE])
    asked = "S: +OK…\nC: UTF8\nS: +OK UTF8 enabled.\n"
    told = "S: Subject: Grüße\nS: X-Sprache: Köln\nS:\n"
    downgraded = "S: Subject: =?utf-8?B?R3LDvMOfZQ==?=\nS:\n"
    for enter, header in ((asked, told), ("S: +OK…\n", downgraded)):
        converse(
            ports["pop3s"],
            enter
            + ENTER
            + f"C: RETR {number}\nS: +OK…\n{header}S: Körper\nS~ .\n"
            + f"C: TOP {number} 0\nS: +OK…\n{header}S: .\n"
            + "C: QUIT\nS: +OK…\nS!",
            tls=True,
            login=account.login,
        )


def test_utf8_comes_before_the_login_and_is_forgotten_by_stls(
    ports: dict[str, int], account: "Account", put: Put
) -> None:
    put([SMALL])
    converse(
        ports["pop3"],
        """
        S: +OK…
        C: UTF8
        S: +OK UTF8 enabled.
        C: STLS
        S: +OK…
        =: TLS
        C: USER {login}
        S: +OK
        C: PASS correct horse
        S: +OK 1 messages.
        C: UTF8
        S: -ERR Not in the TRANSACTION state.
        C: TOP 1 0
        S: +OK…
        S: Subject: =?utf-8?B?R3LDvMOfZQ==?=
        S~ .
        """,
        login=account.login,
    )


def test_logins_and_passwords_may_be_any_text(ports: dict[str, int]) -> None:
    from tests.support.hosting import new_account

    account = new_account("jürgen", password="pässwörter №1")
    converse(
        ports["pop3s"],
        "S: +OK…\nC: USER {login}\nS: +OK\nC: PASS pässwörter №1\nS: +OK 0 messages.",
        tls=True,
        login=account.login,
    )


def test_the_language_can_be_asked_for(ports: dict[str, int], account: "Account") -> None:
    languages = """
        C: LANG
        S: +OK Languages follow.
        S: en English
        S: i-default English
        S: .
        C: LANG en-GB
        S: +OK en …
        C: LANG *
        S: +OK i-default …
        C: LANG tlh
        S: -ERR …
    """
    converse(ports["pop3s"], "S: +OK…\n" + languages + ENTER + languages, tls=True, login=account.login)
