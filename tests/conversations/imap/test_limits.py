"""How much one client, one account and one address may take of this door; and what they are told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.servers import running
from tests.support.transcript import Client, Conversation, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
ENTER = 'S: * OK …\nC: a LOGIN {login} "correct horse"\nS: a OK …\n'


@contextmanager
def door() -> Iterator[int]:
    from tests.conversations.imap.doors import open_door

    with running(open_door()) as port:
        yield port


def greeting(client: Client) -> bytes:
    return client.read_line() or b""


def is_let_in(port: int) -> bool:
    with Client(port) as client:
        return greeting(client).startswith(b"* OK")


def test_an_account_has_so_many_sessions_and_no_more(login: str, settings: Settings) -> None:
    settings.IMAP_MAX_SESSIONS_PER_ACCOUNT = 2
    with door() as port, Conversation(port, words={"login": login}) as conversation:
        conversation.follow(
            """
            1S: * OK …
            1C: a LOGIN {login} "correct horse"
            1S: a OK …
            2S: * OK …
            2C: a LOGIN {login} "correct horse"
            2S: a OK …
            3S: * OK …
            3C: a LOGIN {login} "correct horse"
            3S: a NO [LIMIT] Too many sessions of this account.
            3C: b SELECT INBOX
            3S: b BAD …
            2C: c UNAUTHENTICATE
            2S: c OK …
            3C: d LOGIN {login} "correct horse"
            3S: d OK …
            2C: e LOGIN {login} "correct horse"
            2S: e NO [LIMIT] …
            1C: f LOGOUT
            1S~ f OK …
            1S!
            2C: g LOGIN {login} "correct horse"
            2S: g OK …
            """
        )


def test_a_connection_that_is_lost_counts_no_more(login: str, settings: Settings) -> None:
    settings.IMAP_MAX_SESSIONS_PER_ACCOUNT = 1
    with door() as port:
        for _ in range(3):
            with Conversation(port, words={"login": login}) as conversation:
                conversation.follow(ENTER + "C: b LOGOUT\nS~ b OK …\nS!")


def test_trusted_networks_have_as_many_as_they_like(login: str, settings: Settings) -> None:
    import ipaddress

    settings.IMAP_MAX_SESSIONS_PER_ACCOUNT = 1
    settings.IMAP_MAX_CONNECTIONS_PER_ADDRESS = 1
    settings.TRUSTED_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    with door() as port, Conversation(port, words={"login": login}) as conversation:
        for number in "123":
            conversation.follow("".join(number + line + "\n" for line in ENTER.strip().split("\n")))


@pytest.mark.parametrize("setting", ["IMAP_MAX_CONNECTIONS", "IMAP_MAX_CONNECTIONS_PER_ADDRESS"])
def test_a_connection_too_many_is_told_and_closed(shared_db: None, settings: Settings, setting: str) -> None:
    setattr(settings, setting, 2)
    with door() as port, Client(port) as first, Client(port) as second:
        assert greeting(first).startswith(b"* OK")
        assert greeting(second).startswith(b"* OK")
        with Client(port) as third:
            assert greeting(third) == b"* BYE [LIMIT] Too many connections\r\n"
            assert third.read_line() is None
        first.send(b"a LOGOUT\r\n")
        while first.read_line() is not None:
            pass
        # The server counts it until the socket is closed at its end too, which takes it another turn or two.
        assert any(is_let_in(port) for _ in range(200))


def test_a_command_of_many_small_literals_is_bounded_too(doors: "Doors", login: str) -> None:
    """Each is within its own bound (100 octets), the command as a whole (2,000) is not."""
    with Client(doors.small) as client:
        client.read_line()
        client.send(f'a LOGIN {login} "correct horse"\r\n'.encode())
        client.read_line()
        client.send(b"b SEARCH" + b" SUBJECT {100+}\r\n" + b"x" * 100)
        client.send((b" SUBJECT {100+}\r\n" + b"x" * 100) * 30 + b"\r\nc NOOP\r\n")
        assert client.read_line() == b"b BAD Error in IMAP command: command too big\r\n"
        assert client.read_line() == b"c OK NOOP completed\r\n"


def test_before_login_a_command_has_few_literals(doors: "Doors") -> None:
    with Client(doors.plain) as client:
        client.read_line()
        client.send(b"a LOGIN" + b" {1+}\r\nx" * 11 + b"\r\nb NOOP\r\n")
        assert (client.read_line() or b"").startswith(b"a NO [TOOBIG]")
        assert client.read_line() == b"b OK NOOP completed\r\n"


def test_an_endless_line_ends_the_connection(doors: "Doors") -> None:
    with Client(doors.plain) as client:
        client.read_line()
        try:
            for _ in range(40):
                client.send(b"x" * 65_536)
            assert client.read_line() is None
        except (ConnectionResetError, BrokenPipeError):
            pass


def test_a_literal_that_does_not_come_ends_the_session(login: str, settings: Settings) -> None:
    """Autologout, of IDLE and within AUTHENTICATE too."""
    settings.IMAP_AUTOLOGOUT_SECONDS = 1
    settings.IMAP_LOGIN_SECONDS = 1
    with door() as port:
        converse(port, "S: * OK …\nS: * BYE Nothing heard for too long\nS!")
        converse(port, "S: * OK …\nC: a AUTHENTICATE PLAIN\nS: + …\nS: * BYE Nothing heard for too long\nS!")
        converse(port, "S: * OK …\nC: a LOG\nS: a BAD …\nS: * BYE Nothing heard for too long\nS!")
        for last in ("", "C| b NOO\n", "C: b IDLE\nS: + idling\n"):
            converse(port, ENTER + last + "S: * BYE Nothing heard for too long\nS!", login=login)


def test_everybody_is_told_when_the_server_ends(login: str) -> None:
    with door() as port:
        conversation = Conversation(port, words={"login": login})
        conversation.follow(
            """
            1S: * OK …
            2S: * OK …
            2C: a LOGIN {login} "correct horse"
            2S: a OK …
            3S: * OK …
            3C: a LOGIN {login} "correct horse"
            3S: a OK …
            3C: b SELECT INBOX
            3S~ b OK …
            3C: c IDLE
            3S: + idling
            4S: * OK …
            4C: a AUTHENTICATE PLAIN
            4S: + …
            """
        )
    with conversation:
        for number in "1234":
            conversation.follow(f"{number}S: * BYE Server is shutting down\n{number}S!")


def test_a_session_goes_on_while_valkey_is_away_and_after(
    talk: Talk, put: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailhost.net.redis_clients import Breaker, RedisAway

    def away(*_: object) -> None:
        raise RedisAway

    talk("C: a SELECT INBOX\nS~ a OK …\n")
    with monkeypatch.context() as patch:
        patch.setattr(Breaker, "ask", away)
        patch.setattr(Breaker, "send", away)
        put()  # nobody announces it
        talk("C: b NOOP\nC: c STORE 1 +FLAGS (\\Seen)\nS~ c …\nC: d NOOP\nS~ d OK …\n")
        talk("2C: a SELECT INBOX\n2S~ a OK …\n")
    talk("C: e SEARCH ALL\nS~ * SEARCH …\nS~ e OK …")
