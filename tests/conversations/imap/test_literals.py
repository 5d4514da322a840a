"""LITERAL+ and LITERAL- (RFC 7888), of which an account has one."""

from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors


def switch_off(login: str, *words: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=list(words))


@pytest.mark.parametrize(
    ("switched_off", "told", "hidden"),
    [
        ((), b" LITERAL+ ", b" LITERAL- "),
        (("LITERAL+",), b" LITERAL- ", b" LITERAL+ "),
        (("LITERAL-",), b" LITERAL+ ", b" LITERAL- "),
        (("LITERAL+", "LITERAL-"), b" ID ", b" LITERAL"),
    ],
)
def test_one_of_both_is_told(
    doors: "Doors", login: str, switched_off: tuple[str, ...], told: bytes, hidden: bytes
) -> None:
    switch_off(login, *switched_off)
    with Client(doors.plain) as client:
        client.read_line()
        client.send(f'a LOGIN {login} "correct horse"\r\n'.encode())
        line = client.read_line() or b""
        assert told in line
        assert hidden not in line


def test_literal_minus_takes_4096_octets_without_waiting(doors: "Doors", login: str) -> None:
    switch_off(login, "LITERAL+")
    converse(
        doors.plain,
        f"""
        S: * OK …
        C: a LOGIN {{login}} "correct horse"
        S: a OK …
        C: b APPEND INBOX {{4096+}}
        C: {"x" * 4096}
        S: b OK …
        C: c APPEND INBOX {{4097+}}
        C: {"x" * 4097}
        S: c BAD [TOOBIG] …
        C: d APPEND INBOX {{4097}}
        S: + …
        C: {"x" * 4097}
        S: d OK …
        C: e NOOP
        S: e OK NOOP completed
        """,
        login=login,
    )


def test_without_either_every_literal_is_waited_for(doors: "Doors", login: str) -> None:
    switch_off(login, "LITERAL+", "LITERAL-")
    converse(
        doors.plain,
        """
        S: * OK …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        C: b STATUS {5+}
        C: INBOX (MESSAGES)
        S: b BAD [TOOBIG] …
        C: c STATUS {5}
        S: + …
        C: INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: c OK STATUS completed
        """,
        login=login,
    )
