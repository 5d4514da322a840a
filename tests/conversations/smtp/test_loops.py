"""Mail that goes in circles (RFC 5321 section 6.3)."""

import pytest

from delivery.models import QueuedMessage
from mailboxes.models import Account
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.conversations.smtp.test_inbound import alias
from tests.support.hosting import new_account
from tests.support.queueing import read_data
from tests.support.transcript import converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\nC: MAIL FROM:<a@b.test>\nS: 250 …\n"


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


@pytest.fixture
def away(alice: Account) -> str:
    """An alias that leads elsewhere only."""
    domain = alice.login.partition("@")[2]
    alias(f"away@{domain}", f"bob@far.{domain}")
    return f"away@{domain}"


def send(smtp: Doors, recipients: list[str], header: str, reply: str) -> None:
    rcpts = "".join(f"C: RCPT TO:<{recipient}>\nS: 250 …\n" for recipient in recipients)
    converse(smtp.ports.smtp, f"{GREETED}{rcpts}C: DATA\nS: 354 …\nC: {header}\nC: \nC: .\nS: {reply} …\n")


def relayed(away: str) -> list[bytes]:
    domain = away.partition("@")[2]
    rows = QueuedMessage.objects.filter(recipients__destination__name=f"far.{domain}").order_by("id")
    return [read_data(content_id=row.content_id) or b"" for row in rows]


def test_what_leads_elsewhere_says_whom_it_was_for_and_is_known_again(smtp: Doors, away: str) -> None:
    send(smtp, [away], "Subject: x", "250 2.0.0")
    [data] = relayed(away)
    assert data.startswith(f"Delivered-To: {away}\r\nReceived: ".encode())
    send(smtp, [away], f"Delivered-To: <{away.upper()}>", "554 5.4.6")
    assert len(relayed(away)) == 1


def test_an_address_that_is_not_in_the_circle_gets_it(smtp: Doors, away: str, alice: Account) -> None:
    send(smtp, [away], f"Delivered-To: {alice.login}", "250 2.0.0")
    send(smtp, [away], "Delivered-To: nonsense", "250 2.0.0")
    assert len(relayed(away)) == 2


def test_what_stays_here_is_no_circle(smtp: Doors, alice: Account) -> None:
    """Mail that was fetched elsewhere and is put in here has such a field."""
    send(smtp, [alice.login], f"Delivered-To: {alice.login}", "250 2.0.0")
    [octets] = inbox(alice)
    assert octets.count(b"Delivered-To:") == 1


def test_several_recipients_are_not_told_of_each_other(smtp: Doors, away: str, alice: Account) -> None:
    send(smtp, [away, alice.login], f"Delivered-To: {away}", "250 2.0.0")  # alice is to have it
    assert b"".join(relayed(away)).count(b"Delivered-To:") == 1
    assert len(inbox(alice)) == 1
