"""Commands, their places and their limits, against a real listener."""

import pytest
from pytest_django.fixtures import Settings

from mailboxes.models import Account
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import new_account
from tests.support.transcript import Client, Conversation, converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def test_every_command_in_its_place(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp,
        """
        S: 220 mx.example.test ESMTP
        C: NOOP anything
        S: 250 2.0.0 Ok
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 Send EHLO first
        C: DATA
        S: 503 5.5.1 Send EHLO first
        C: EHLO
        S: 501 5.5.4 …
        C: HELO client.test
        S: 250 mx.example.test
        C: MAIL FROM:<a@b.test> SIZE=1
        S: 555 5.5.4 …
        C: RCPT TO:<{alice}>
        S: 503 5.5.1 Send MAIL first
        C: DATA
        S: 503 5.5.1 Send MAIL first
        C: MAIL FROM:<a@b.test>
        S: 250 …
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 Send RCPT first…
        C: DATA
        S: 503 5.5.1 Send RCPT first…
        C: STARTTLS
        S: 503 5.5.1 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C: DATA now
        S: 501 5.5.4 …
        C: RSET x
        S: 501 5.5.4 …
        C: rset
        S: 250 2.0.0 Ok
        C: RCPT TO:<{alice}>
        S: 503 5.5.1 Send MAIL first
        C: MAIL FROM:<a@b.test>
        S: 250 …
        C: EHLO again
        S~ 250 HELP
        C: RCPT TO:<{alice}>
        S: 503 5.5.1 Send MAIL first
        C: VRFY alice
        S: 252 2.0.0 …
        C: VRFY
        S: 501 5.5.4 …
        C: EXPN team
        S: 502 5.5.1 …
        C: HELP
        S: 214 2.0.0 …
        C: QUIT now
        S: 501 5.5.4 …
        C: TURN
        S: 500 5.5.1 …
        C: QUIT
        S: 221 2.0.0 Bye
        S!
        """,
        alice=alice.login,
    )


def test_a_message_by_helo_is_smtp(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp,
        "S: 220 …\nC: HELO client.test\nS: 250 …\nC: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{alice}>\nS: 250 …\n"
        "C: DATA\nS: 354 …\nC: Subject: x\nC: .\nS: 250 …",
        alice=alice.login,
    )
    [octets] = inbox(alice)
    assert octets.startswith(b"Return-Path: <>\r\n")
    assert b" with SMTP id " in octets


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("C| \\r\\n", "500 5.5.1 …"),
        ("C| NOOP \\0\\r\\n", "500 5.5.2 …"),
        ("C| NOOP \\r x\\r\\n", "500 5.5.2 …"),
        ("C| NOOP\\n", "250 …"),
        ("C: MAIL FROM:<" + "a" * 300 + "@b.test>", "501 5.1.7 …"),
        ("C: MAIL FROM:<> " + "X" * 3_000, "500 5.5.2 The command line is too long"),
        ("C: NOOP " + "x" * 505, "250 …"),
        ("C: NOOP " + "x" * 506, "500 5.5.2 The command line is too long"),
        ("C: AUTH PLAIN " + "x" * 12_300, "500 5.5.2 The command line is too long"),
        ("C: NOOP " + "x" * 200_000, "500 5.5.2 The command line is too long"),
    ],
)
def test_lines_that_are_no_commands(smtp: Doors, line: str, reply: str) -> None:
    converse(smtp.ports.smtp, f"{GREETED}{line}\nS: {reply}\nC: NOOP\nS: 250 …")


def test_a_name_beyond_ascii_is_not_said_back(smtp: Doors) -> None:
    """RFC 5321 section 4.2: a reply is ASCII; RFC 6531 section 3.7.1: so is the domain in EHLO."""
    converse(smtp.ports.smtp, "S: 220 …\nC: EHLO käthe.test\nS: 250-mx.example.test greets you\nS~ 250 HELP")


def test_octets_that_are_no_text(smtp: Doors) -> None:
    with Client(smtp.ports.smtp) as client:
        client.read_line()
        client.send(b"NOOP \xff\r\nEHLO \x80\r\n\xc3(\r\n")
        assert [(client.read_line() or b"")[:9] for _ in range(3)] == [b"500 5.5.2"] * 3


def test_an_endless_line_ends_the_session(smtp: Doors) -> None:
    with Client(smtp.ports.smtp) as client:
        client.read_line()
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            client.send(b"x" * 65_536_000)


def test_a_browser_is_sent_away(smtp: Doors) -> None:
    converse(smtp.ports.smtp, "S: 220 …\nC: POST / HTTP/1.1\nS: 421 4.7.0 …\nS!")


def test_too_many_bad_commands_end_the_session(smtp: Doors, settings: Settings) -> None:
    settings.SMTP_MAX_BAD_COMMANDS = 2
    converse(smtp.ports.smtp, "S: 220 …\nC: A\nS: 500 …\nC: DATA\nS: 503 …\nC: B\nS: 421 4.7.0 …\nS!")


def test_too_many_commands_for_nothing_end_the_session(smtp: Doors, settings: Settings) -> None:
    settings.SMTP_MAX_IDLE_COMMANDS = 2
    converse(smtp.ports.smtp, "S: 220 …\nC: NOOP\nS: 250 …\nC: RSET\nS: 250 …\nC: NOOP\nS: 421 4.7.0 …\nS!")


def test_who_collects_addresses_is_sent_away(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_REFUSED_RECIPIENTS = 1
    converse(
        smtp.ports.smtp,
        GREETED
        + "C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<a{alice}>\nS: 550 5.1.1 …\nC: RCPT TO:<b{alice}>\nS: 421 …\nS!",
        alice=alice.login,
    )


def test_ten_thousand_recipients(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_RECIPIENTS = 100
    with Client(smtp.ports.smtp) as client:
        commands = b"EHLO a\r\nMAIL FROM:<>\r\n" + f"RCPT TO:<{alice.login}>\r\n".encode() * 1_000
        client.send(commands)
        while client.read_line() != b"250 2.1.0 Sender ok\r\n":
            pass
        replies = [client.read_line() or b"" for _ in range(1_000)]
        assert [reply[:9] for reply in replies] == [b"250 2.1.5"] * 100 + [b"452 4.5.3"] * 900
        for _ in range(9):
            client.send(f"RCPT TO:<{alice.login}>\r\n".encode() * 1_000)
            assert all((client.read_line() or b"").startswith(b"452 4.5.3") for _ in range(1_000))
        client.send(b"DATA\r\nSubject: once\r\n.\r\n")
        assert (client.read_line() or b"").startswith(b"354")
        assert (client.read_line() or b"").startswith(b"250")
    assert len(inbox(alice)) == 1


def test_who_sends_nothing_is_told_and_cut_off(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_TIMEOUT_SECONDS = 0.1
    converse(smtp.ports.smtp, "S: 220 …\nS: 421 4.4.2 …\nS!")


def test_who_stops_in_the_message_is_told_and_cut_off(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    with Conversation(smtp.ports.smtp, words={"alice": alice.login}) as conversation:
        conversation.follow(GREETED + "C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{alice}>\nS: 250 …\n")
        settings.SMTP_TIMEOUT_SECONDS = 0.2
        conversation.follow("C: DATA\nS: 354 …\nC: Subject: never\nS: 421 4.4.2 …\nS!")
    assert inbox(alice) == []
    assert smtp.host.held_octets == 0


def test_a_client_that_closes_its_side_still_gets_replies(smtp: Doors) -> None:
    import socket

    with Client(smtp.ports.smtp) as client:
        client.send(b"EHLO a\r\nNOOP\r\nQUIT\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        lines = list(iter(client.read_line, None))
    assert lines[0].startswith(b"220 ")
    assert lines[-1] == b"221 2.0.0 Bye\r\n"


def test_a_size_beyond_the_limit_is_refused_at_mail(smtp: Doors) -> None:
    converse(smtp.ports.smtp, GREETED + "C: MAIL FROM:<> SIZE=99999999999\nS: 552 5.3.4 …")


def test_commands_behind_starttls_are_dropped(smtp: Doors) -> None:
    converse(
        smtp.ports.smtp,
        """
        S: 220 …
        C: EHLO attacker.test
        S~ 250 HELP
        C| STARTTLS\\r\\nEHLO injected.test\\r\\nMAIL FROM:<evil@example.test>\\r\\n
        S: 220 2.0.0 …
        =: TLS
        C: NOOP
        S: 250 2.0.0 Ok
        C: RCPT TO:<a@b.test>
        S: 503 5.5.1 Send EHLO first
        C: EHLO client.test
        S: 250-mx.example.test greets client.test
        S~ 250 HELP
        C: STARTTLS
        S: 503 5.5.1 …
        C: RCPT TO:<a@b.test>
        S: 503 5.5.1 Send MAIL first
        C: QUIT
        S: 221 …
        S!
        """,
    )


def test_octets_that_are_no_tls_end_the_session(smtp: Doors) -> None:
    converse(smtp.ports.smtp, "S: 220 …\nC: STARTTLS\nS: 220 …\nC: EHLO client.test\nS!")


def test_inbound_mail_under_tls(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp,
        "S: 220 …\nC: EHLO a\nS~ 250 HELP\nC: STARTTLS\nS: 220 …\n=: TLS\nC: EHLO b.test\nS~ 250 HELP\n"
        "C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{alice}>\nS: 250 …\nC: DATA\nS: 354 …\nC: Subject: x\nC: .\nS: 250 …\n"
        "C: QUIT\nS: 221 …\nS!",
        alice=alice.login,
    )
    [octets] = inbox(alice)
    assert octets.partition(b"\r\n")[2].startswith(
        b"Received: from b.test ([127.0.0.1])\r\n\tby mx.example.test with ESMTPS"
    )
