"""What comes after DATA, against a real listener: any octets come back, nothing is smuggled, and all is bounded."""

import pytest
from pytest_django.fixtures import Settings

from delivery.acceptance import Acceptance, Accepted
from mailboxes.exceptions import DiskNearlyFull, QuotaExceeded
from mailboxes.models import Account
from mailhost.net.store_threads import StoreUnavailable
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import new_account
from tests.support.transcript import Client, converse


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def into_data(smtp: Doors, account: Account) -> Client:
    client = Client(smtp.ports.smtp)
    client.send(f"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<{account.login}>\r\nDATA\r\n".encode())
    while not (line := client.read_line() or b"354").startswith(b"354"):
        assert line[:1] == b"2"
    return client


def send(smtp: Doors, account: Account, octets: bytes) -> bytes:
    """The reply."""
    with into_data(smtp, account) as client:
        client.send(octets)
        reply = client.read_line() or b""
        client.send(b"QUIT\r\n")
        assert client.read_line() == b"221 2.0.0 Bye\r\n"  # and no other reply before it
        return reply


def kept(account: Account) -> bytes:
    """The only message, without the fields that we added."""
    [octets] = inbox(account)
    return octets.partition(b"+0000\r\n")[2]


@pytest.mark.parametrize(
    "message",
    [
        b"Subject: nul\0\r\n\r\n\0\xff\x80\r\n",
        b"Subject: bare\n\rline ends\r\n\r\na\nb\rc\r\r\n\n\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n",
        b"Subject: " + b"y" * 50_000 + b"\r\n\r\n",
        b"Subject: no blank line\r\n",
    ],
)
def test_any_octets_are_kept_as_they_came(smtp: Doors, alice: Account, message: bytes) -> None:
    assert send(smtp, alice, message + b".\r\n").startswith(b"250 2.0.0 ")
    assert kept(alice) == message


def test_a_message_without_a_header_keeps_its_first_line(smtp: Doors, alice: Account) -> None:
    assert send(smtp, alice, b"hello\r\nthere: you\r\n.\r\n").startswith(b"250")
    assert kept(alice) == b"\r\nhello\r\nthere: you\r\n"


def test_an_empty_message_is_taken(smtp: Doors, alice: Account) -> None:
    assert send(smtp, alice, b".\r\n").startswith(b"250")
    assert kept(alice) == b"\r\n"


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n"],
)
def test_nothing_is_smuggled(smtp: Doors, alice: Account, end: bytes) -> None:
    smuggled = f"MAIL FROM:<evil@example.test>\r\nRCPT TO:<{alice.login}>\r\nDATA\r\nFrom: evil\r\n".encode()
    assert send(smtp, alice, b"Subject: one\r\n\r\ntext" + end + smuggled + b".\r\n").startswith(b"250")
    assert kept(alice).endswith(smuggled)  # one message, and the smuggled commands are its text


def test_a_message_beyond_the_limit_gets_its_reply_at_the_end(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    settings.MAX_MESSAGE_OCTETS = 104_096
    assert send(smtp, alice, b"x" * 120_000 + b"\r\n.\r\n").startswith(b"552 5.3.4")
    assert send(smtp, alice, b"S: x\r\n\r\n" + b"y" * 99_990 + b"\r\n.\r\n").startswith(b"250")
    assert len(inbox(alice)) == 1
    assert smtp.host.held_octets == 0


def test_a_message_without_an_end_ends_the_session(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.MAX_MESSAGE_OCTETS = 104_096
    with into_data(smtp, alice) as client:
        client.send(b"x" * 300_000)
        assert (client.read_line() or b"").startswith(b"552 5.3.4")
        assert client.read_line() is None


def test_messages_under_way_are_bounded_together(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_HELD_OCTETS = 100_000
    assert send(smtp, alice, b"x" * 120_000 + b"\r\n.\r\n").startswith(b"452 4.3.1")
    assert send(smtp, alice, b"x" * 50_000 + b"\r\n.\r\n").startswith(b"250")
    assert smtp.host.held_octets == 0


def test_a_line_beyond_the_limit_is_refused(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_LINE_OCTETS = 2_000
    assert send(smtp, alice, b"S: x\r\n\r\n" + b"y" * 2_000 + b"\r\n.\r\n").startswith(b"250")
    assert send(smtp, alice, b"S: x\r\n\r\n" + b"y" * 2_001 + b"\r\n.\r\n").startswith(b"554 5.6.0")


def test_too_many_header_fields_are_refused(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_HEADER_FIELDS = 10
    assert send(smtp, alice, b"X: y\r\n" * 10 + b"\r\n" + b"X: y\r\n" * 10 + b".\r\n").startswith(b"250")
    assert send(smtp, alice, b"X: y\r\n" * 11 + b".\r\n").startswith(b"554 5.6.0")


def test_a_header_beyond_the_limit_is_refused(smtp: Doors, alice: Account, settings: Settings) -> None:
    settings.SMTP_MAX_HEADER_OCTETS = 1_000
    assert send(smtp, alice, b"X: " + b"y\r\n " * 300 + b"\r\n\r\n.\r\n").startswith(b"554 5.6.0")
    assert send(smtp, alice, b"X: y\r\n" * 1_000 + b".\r\n").startswith(b"554 5.6.0")
    assert send(smtp, alice, b"no header\r\n" + b"X: y\r\n" * 5_000 + b".\r\n").startswith(b"250")
    assert kept(alice).startswith(b"\r\nno header\r\nX: y\r\n")


@pytest.mark.parametrize("octets", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n.\n\r\n", b"\n\r\n"])
def test_bare_line_ends_are_refused_where_a_setting_asks_for_it(
    smtp: Doors, alice: Account, settings: Settings, octets: bytes
) -> None:
    """RFC 5321 section 2.3.8 forbids them; binary octets (RFC 3030) have no line ends."""
    settings.SMTP_REFUSE_BARE_LINE_ENDS = True
    assert send(smtp, alice, b"Subject: x\r\n\r\n" + octets + b".\r\n").startswith(b"554 5.6.0")
    assert send(smtp, alice, b"Subject: x\r\n\r\nplain\r\n.\r\n").startswith(b"250")
    script = "C: MAIL FROM:<> BODY=BINARYMIME\nS: 250 …\nC: RCPT TO:<{alice}>\nS: 250 …\n"
    script += "C| BDAT 1 LAST\\r\\n\\n\nS: 250 …"
    converse(smtp.ports.smtp, "S: 220 …\nC: EHLO a\nS~ 250 HELP\n" + script, alice=alice.login)


def test_a_message_that_goes_in_circles_is_refused(smtp: Doors, alice: Account) -> None:
    assert send(smtp, alice, b"Received: x\r\n" * 100 + b"\r\n.\r\n").startswith(b"250")
    assert send(smtp, alice, b"Received: x\r\n" * 101 + b"\r\n.\r\n").startswith(b"554 5.4.6")


@pytest.mark.parametrize(
    ("fact", "reply"),
    [
        (StoreUnavailable("away"), b"451 4.3.0"),
        (DiskNearlyFull("full"), b"452 4.3.1"),
        (QuotaExceeded([1]), b"452 4.2.2"),
    ],
)
def test_what_cannot_be_kept_is_not_accepted(
    smtp: Doors, alice: Account, monkeypatch: pytest.MonkeyPatch, fact: Exception, reply: bytes
) -> None:
    async def refuse(acceptance: Acceptance) -> Accepted:
        raise fact

    monkeypatch.setattr(smtp.host, "accept", refuse)
    assert send(smtp, alice, b"Subject: x\r\n.\r\n").startswith(reply)
    assert inbox(alice) == []


def test_a_mistake_of_ours_is_a_transient_refusal(
    smtp: Doors, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(acceptance: Acceptance) -> Accepted:
        raise ZeroDivisionError

    monkeypatch.setattr(smtp.host, "accept", fail)
    with into_data(smtp, alice) as client:
        client.send(b"Subject: x\r\n.\r\n")
        assert (client.read_line() or b"").startswith(b"421 4.3.0")
        assert client.read_line() is None
    assert smtp.host.held_octets == 0


def test_a_store_that_is_away_at_rcpt(smtp: Doors, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(**_: object) -> None:
        raise StoreUnavailable("away")

    script = "C: RCPT TO:<{alice}>\nS: 451 4.3.0 …\n"
    monkeypatch.setattr(smtp.host, "route", away)
    converse(
        smtp.ports.smtp,
        "S: 220 …\nC: EHLO a\nS~ 250 HELP\nC: MAIL FROM:<>\nS: 250 …\n" + script * 2,
        alice=alice.login,
    )


def test_a_disk_that_is_nearly_full(smtp: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.smtp.commands.mail.has_room", lambda: False)
    converse(smtp.ports.smtp, "S: 220 …\nC: EHLO a\nS~ 250 HELP\nC: MAIL FROM:<>\nS: 452 4.3.1 …")
