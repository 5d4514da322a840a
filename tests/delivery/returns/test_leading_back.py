"""What comes to a bounce address and tells of no failure: mail to the sender, with all that such mail has to pass."""

import pytest
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, QueuedMessage, QueuedRecipient, ReturnedMail
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account
from mailboxes.sender_rules import set_sender_rule
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_filters import GTUBE
from tests.delivery.returns.test_verp import (
    DELAYED,
    GREETED,
    alice,
    bring,
    filtered,
    inbox,
    queue_leads_out,
    sent,
    tell,
    verp,
    work,
)
from tests.support.hosting import new_account
from tests.support.returning import failed, notice
from tests.support.transcript import converse

__all__ = ["alice", "filtered", "queue_leads_out", "verp"]


@pytest.mark.parametrize(
    "octets",
    [
        notice(failed("bob@far.test", DELAYED)),
        b"From: bob@far.test\r\nSubject: My holidays\r\n\r\nI am away.\r\n",
    ],
)
def test_what_is_no_failure_goes_to_the_sender_as_it_is(
    octets: bytes, settings: Settings, filtered: Doors, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    bring(filtered, received.reverse_path, octets)
    [got] = inbox(alice)
    work(settings)
    tell()
    assert len(inbox(alice)) == 1
    assert got.startswith(b"Return-Path: <>\r\n")
    assert b"Authentication-Results: " in got
    assert octets in got
    assert not ReturnedMail.objects.exists()


AWAY = b"From: bob@far.test\r\nSubject: My holidays\r\n\r\nI am away.\r\n"


def test_it_passes_what_mail_to_the_sender_passes(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    """Who has got one message knows its bounce address, and may call himself MAILER-DAEMON."""
    [received] = sent(settings, alice, "bob@far.test")
    junk = AWAY + GTUBE.encode() + b"\r\n"
    bring(filtered, received.reverse_path, junk, sender="MAILER-DAEMON@far.test", reply="550 5.7.1")
    set_sender_rule(account_id=alice.pk, pattern="bob@far.test", is_allowed=False, by="test")
    bring(filtered, received.reverse_path, AWAY, reply="550 5.7.1")
    work(settings)
    assert inbox(alice) == []


def test_what_no_filter_has_seen_does_not_pass(settings: Settings, alice: Account) -> None:
    """However it came into the queue."""
    [received] = sent(settings, alice, "bob@far.test")
    accept_now(Acceptance(AWAY, waiting=((received.reverse_path, DsnRequest("NEVER", "")),)))
    work(settings)
    assert inbox(alice) == []
    row = QueuedRecipient.objects.get(destination__name="")
    assert (row.state, row.last_status, row.report_due) == ("bounced", "5.7.1", "")


def test_where_the_sender_is_full_it_is_to_come_again(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    change_account(account_id=alice.pk, quota_octets=1, by="test")
    bring(filtered, received.reverse_path, AWAY, reply="452 4.2.2")


def test_where_the_sender_is_no_longer_known_there_is_no_such_address(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    Attempt.objects.all().delete()
    QueuedMessage.objects.all().delete()
    bring(filtered, received.reverse_path, AWAY, reply="550 5.1.1")


def test_one_message_to_two_bounce_addresses_and_somebody_else(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    eve = new_account("eve")
    first, second = sent(settings, alice, "bob@far.test", "carol@far.test")
    lines = "".join(f"C: {line}\n" for line in AWAY.decode().splitlines())
    converse(
        filtered.ports.smtp,
        f"{GREETED}C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{first.reverse_path}>\nS: 250 …\n"
        f"C: RCPT TO:<{eve.login}>\nS: 250 …\nC: RCPT TO:<{second.reverse_path}>\nS: 250 …\n"
        f"C: DATA\nS: 354 …\n{lines}C: .\nS: 250 2.0.0 …\n",
    )
    assert (len(inbox(alice)), len(inbox(eve))) == (1, 1)
    assert not QueuedRecipient.objects.filter(destination__name="").exists()


def test_a_sender_whose_mail_leads_elsewhere_has_it_there(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    address = f"office@{alice.login.partition('@')[2]}"
    set_alias(address=EmailAddress.parse(address), targets=[EmailAddress.parse("office@far.test")], by="test")
    [received] = sent(settings, alice, "bob@far.test", reverse_path=address)
    bring(filtered, received.reverse_path, notice(failed("bob@far.test", DELAYED)))
    [onward] = work(settings, "far.test")
    assert (onward.reverse_path, onward.forward_paths) == ("", ["office@far.test"])
