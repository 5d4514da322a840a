"""BDAT against a real listener (RFC 3030): what is kept is what came, and every refusal leaves the stream readable."""

import pytest
from pytest_django.fixtures import Settings

from delivery.models import QueuedMessage
from mailboxes.models import Account
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.conversations.smtp.test_inbound import alias
from tests.support.hosting import new_account
from tests.support.queueing import read_data
from tests.support.transcript import Client, converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"
BEGUN = GREETED + "C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{alice}>\nS: 250 …\n"
BINARY = bytes(range(256)) + b"\r\n.\r\nQUIT\r\n\n.\n" + b"\0" * 10


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def kept(account: Account) -> bytes:
    """The only message, without the fields that we added."""
    [octets] = inbox(account)
    return octets.partition(b"+0000\r\n")[2]


def test_chunks_become_one_message(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp,
        BEGUN
        + """
        C| BDAT 14\\r\\nSubject: one\\r\\n
        S: 250 2.0.0 14 octets received
        C| BDAT 7\\r\\n\\r\\n.\\r\\n\\r\\n
        S: 250 2.0.0 7 octets received
        C| bdat 4 last\\r\\nend.
        S: 250 2.0.0 Ok: accepted as …
        C: QUIT
        S: 221 …
        """,
        alice=alice.login,
    )
    assert kept(alice) == b"Subject: one\r\n\r\n.\r\n\r\nend."


def test_the_last_chunk_may_be_empty(smtp: Doors, alice: Account) -> None:
    """RFC 3030 section 2: BDAT 0 LAST."""
    converse(
        smtp.ports.smtp,
        BEGUN
        + "C| BDAT 6\\r\\nA: b\\r\\n\nS: 250 …\nC: BDAT 0 LAST\nS: 250 2.0.0 Ok…\nC: BDAT 0 LAST\nS: 503 5.5.1 …",
        alice=alice.login,
    )
    assert kept(alice) == b"A: b\r\n"


def test_binary_octets_are_kept_as_they_came(smtp: Doors, alice: Account) -> None:
    with Client(smtp.ports.smtp) as client:
        head = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        client.send(b"EHLO a\r\nMAIL FROM:<> BODY=BINARYMIME\r\n" + f"RCPT TO:<{alice.login}>\r\n".encode())
        message = head + BINARY
        client.send(b"BDAT 60\r\n" + message[:60] + b"BDAT %d LAST\r\n" % (len(message) - 60) + message[60:])
        client.send(b"QUIT\r\n")
        replies = []
        while line := client.read_line():
            replies.append(line)
    assert [line[:3] for line in replies[-5:]] == [b"250", b"250", b"250", b"250", b"221"]
    assert kept(alice) == message


def test_binary_mime_needs_bdat(smtp: Doors, alice: Account) -> None:
    """RFC 3030 section 3."""
    converse(
        smtp.ports.smtp,
        GREETED
        + """
        C: MAIL FROM:<> BODY=BINARYMIME
        S: 250 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C: DATA
        S: 503 5.5.1 BODY=BINARYMIME needs BDAT
        C| BDAT 6 LAST\\r\\nA: b\\r\\n
        S: 250 …
        """,
        alice=alice.login,
    )


def test_data_and_bdat_do_not_mix(smtp: Doors, alice: Account) -> None:
    """RFC 3030 section 2: neither DATA nor another recipient behind a chunk."""
    converse(
        smtp.ports.smtp,
        BEGUN
        + """
        C| BDAT 3\\r\\nabc
        S: 250 …
        C: DATA
        S: 503 5.5.1 …
        C: RCPT TO:<{alice}>
        S: 503 5.5.1 …
        C: MAIL FROM:<>
        S: 503 5.5.1 …
        C: STARTTLS
        S: 503 5.5.1 …
        C: NOOP
        S: 250 …
        C: RSET
        S: 250 …
        C: MAIL FROM:<>
        S: 250 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C| BDAT 6 LAST\\r\\nA: b\\r\\n
        S: 250 …
        """,
        alice=alice.login,
    )
    assert kept(alice) == b"A: b\r\n"
    assert smtp.host.held_octets == 0


def test_a_chunk_out_of_place_is_read_and_dropped(smtp: Doors, alice: Account) -> None:
    """What is in it is never taken for a command."""
    converse(
        smtp.ports.smtp,
        """
        S: 220 …
        C| BDAT 6\\r\\nQUIT\\r\\n
        S: 503 5.5.1 …
        C: EHLO client.test
        S~ 250 HELP
        C| BDAT 6 LAST\\r\\nQUIT\\r\\n
        S: 503 5.5.1 …
        C: MAIL FROM:<>
        S: 250 …
        C| BDAT 6 LAST\\r\\nQUIT\\r\\n
        S: 503 5.5.1 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C| BDAT 6 LAST\\r\\nA: b\\r\\n
        S: 250 …
        """,
        alice=alice.login,
    )
    assert kept(alice) == b"A: b\r\n"


@pytest.mark.parametrize("argument", ["", "x", "-1", "5 END", "5 LAST LAST", "1" * 21, "0x5"])
def test_a_chunk_without_a_size_ends_the_session(smtp: Doors, alice: Account, argument: str) -> None:
    """Where it ends cannot be known, so nothing behind it is read as a command."""
    script = f"C: BDAT {argument}\nC: MAIL FROM:<>\nS: 501 5.5.4 …\nS!"
    converse(smtp.ports.smtp, BEGUN + script, alice=alice.login)


def test_a_message_beyond_the_limit_is_refused_at_its_chunk(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    settings.MAX_MESSAGE_OCTETS = 104_096
    with Client(smtp.ports.smtp) as client:
        client.send(b"EHLO a\r\nMAIL FROM:<>\r\n" + f"RCPT TO:<{alice.login}>\r\n".encode())
        client.send(b"BDAT 99999\r\n" + b"x" * 99_999 + b"BDAT 2\r\nyyBDAT 1 LAST\r\nz")
        client.send(b"MAIL FROM:<>\r\n" + f"RCPT TO:<{alice.login}>\r\n".encode())
        client.send(b"BDAT 100000 LAST\r\nS: x\r\n\r\n" + b"y" * 99_992 + b"QUIT\r\n")
        replies = []
        while line := client.read_line():
            replies.append(line[:9])
    wanted = [
        b"250 2.0.0",
        b"552 5.3.4",
        b"503 5.5.1",
        b"250 2.1.0",
        b"250 2.1.5",
        b"250 2.0.0",
        b"221 2.0.0",
    ]
    assert replies[-7:] == wanted
    assert len(inbox(alice)) == 1
    assert smtp.host.held_octets == 0


def test_a_chunk_that_nobody_would_wait_for_ends_the_session(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    settings.MAX_MESSAGE_OCTETS = 104_096
    converse(smtp.ports.smtp, BEGUN + "C: BDAT 200001\nS: 552 5.3.4 …\nS!", alice=alice.login)


def test_messages_under_way_are_bounded_together(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_HELD_OCTETS = 10
    script = "C| BDAT 10\\r\\n0123456789\nS: 250 …\nC| BDAT 1 LAST\\r\\nx\nS: 452 4.3.1 …\nC: RSET\nS: 250 …"
    converse(smtp.ports.smtp, BEGUN + script, alice=alice.login)
    assert smtp.host.held_octets == 0
    assert inbox(alice) == []


def test_a_client_that_goes_between_chunks_leaves_nothing(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp, BEGUN + "C| BDAT 3\\r\\nabc\nS: 250 …\nC: QUIT\nS: 221 …\nS!", alice=alice.login
    )
    with Client(smtp.ports.smtp) as client:
        client.send(
            b"EHLO a\r\nMAIL FROM:<>\r\n" + f"RCPT TO:<{alice.login}>\r\n".encode() + b"BDAT 3\r\nabc"
        )
        while client.read_line() != b"250 2.0.0 3 octets received\r\n":
            pass
    converse(smtp.ports.smtp, GREETED)  # the one before is over by the time this one is
    assert inbox(alice) == []


def test_empty_chunks_are_commands_for_nothing(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_IDLE_COMMANDS = 5
    script = "C: BDAT 0\nS: 250 …\n" * 5 + "C: NOOP\nS: 421 4.7.0 …\nS!"
    converse(smtp.ports.smtp, BEGUN + script, alice=alice.login)


def test_a_binary_message_is_converted_where_it_is_relayed(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    alias(f"away@{domain}", f"bob@far.{domain}")
    with Client(smtp.ports.smtp) as client:
        message = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + BINARY
        client.send(b"EHLO a\r\nMAIL FROM:<> BODY=BINARYMIME\r\n" + f"RCPT TO:<away@{domain}>\r\n".encode())
        client.send(b"BDAT %d LAST\r\n" % len(message) + message + b"QUIT\r\n")
        while client.read_line():
            pass
    queued = QueuedMessage.objects.get(recipients__destination__name=f"far.{domain}")
    assert queued.body == "BINARYMIME"
    data = read_data(content_id=queued.content_id, is_binary=True)
    assert data is not None
    assert data.isascii()
    assert b"Content-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQoL" in data
