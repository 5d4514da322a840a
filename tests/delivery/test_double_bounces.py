"""What fails and nobody can be told of: the trace says so, and postmaster has a copy by setting (RFC 3461 5.2)."""

from random import Random

import pytest
from pytest_django import Settings

from delivery import bounces
from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, QueuedMessage, QueuedRecipient
from delivery.queue.destination_outcomes import bounce_waiting
from delivery.queue.outcomes import record
from delivery.queue.route_moves import due_here
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced
from mailboxes.models import Account, Content
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON, claim_all, queue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def direct(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    settings.RELAY = "direct"
    settings.DOUBLE_BOUNCES_TO_POSTMASTER = True
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    QueuedMessage.objects.all().delete()
    Attempt.objects.all().delete()


@pytest.fixture
def postmaster(db: None) -> Account:
    Account.objects.filter(is_operator=True).update(is_operator=False)
    account = new_account("operator")
    Account.objects.filter(pk=account.pk).update(is_operator=True)
    return account


def bounce_all(reply: str = "550 5.1.1 No such user") -> None:
    """What waits for far.test is refused, one by one."""
    claim = claim_all()["far.test"]
    results = [
        RecipientResult(parcel.message, each, Bounced("5.1.1", reply))
        for parcel in due_here(claim=claim, limit=100, except_ids=[], now=NOON)
        for each in parcel.recipients
    ]
    record(results={claim: results}, now=NOON, random=Random(1))


def tell() -> int:
    return bounces.send_reports(now=NOON, new_name=bounces.new_name)


def untold() -> list[tuple[str, str]]:
    rows = Attempt.objects.filter(outcome="untold").order_by("id")
    return list(rows.values_list("forward_path", "reply"))


def test_a_notice_that_bounces_is_in_the_trace_alone(settings: Settings, postmaster: Account) -> None:
    """Unless the operator wants more."""
    settings.DOUBLE_BOUNCES_TO_POSTMASTER = False
    queue("ghost@elsewhere.test", reverse_path="alice@far.test")
    QueuedRecipient.objects.update(state="bounced", report_due="failed")
    assert tell() == 1
    bounce_all()
    assert tell() == 0
    assert untold() == [("alice@far.test", "It has the null reverse-path.")]
    assert inbox(postmaster) == []
    assert not QueuedRecipient.objects.exclude(report_due="").exists()


def test_postmaster_has_a_copy_of_a_notice_that_bounces(postmaster: Account) -> None:
    queue("ghost@elsewhere.test", reverse_path="alice@far.test")
    QueuedRecipient.objects.update(state="bounced", report_due="failed")
    tell()
    bounce_all()
    tell()
    tell()
    [copy] = inbox(postmaster)
    for words in (
        b"Return-Path: <>\r\n",
        b"Subject: A message could not be delivered, and nobody could be told\r\n",
        b"It has the null reverse-path.\r\n",
        b"  alice@far.test\r\n",
        b"Final-Recipient: rfc822; alice@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        b"Subject: Your message could not be delivered\r\n",  # the header of the notice
    ):
        assert words in copy
    number = Content.objects.get(octets=copy).pk
    assert untold() == [
        ("alice@far.test", f"It has the null reverse-path. Postmaster has a copy (notice N{number})")
    ]


def test_a_whole_destination_that_bounces_is_told_of_as_well(postmaster: Account) -> None:
    queue("alice@far.test", "carol@far.test", reverse_path="")
    bounce_waiting(claim=claim_all()["far.test"], outcome=Bounced("5.1.2", "No such domain."), now=NOON)
    tell()
    [copy] = inbox(postmaster)
    assert copy.count(b"Final-Recipient: ") == 2


def test_a_sender_who_has_gone_is_told_of(postmaster: Account) -> None:
    domain = postmaster.login.partition("@")[2]
    queue("bob@far.test", reverse_path=f"gone@{domain}")
    bounce_all()
    tell()
    [copy] = inbox(postmaster)
    assert f"Its sender gone@{domain} is no address here that mail can go to.\r\n".encode() in copy


def test_what_strangers_send_to_bounce_addresses_fills_no_mailbox(postmaster: Account) -> None:
    accept_now(
        Acceptance(octets=MESSAGE, waiting=(("bounce@here.test", DsnRequest("NEVER")),), reverse_path=""),
        now=NOON,
    )
    QueuedRecipient.objects.update(state="bounced", report_due="failed")
    tell()
    assert inbox(postmaster) == []
    assert untold() == [("bounce@here.test", "It has the null reverse-path.")]


def test_a_postmaster_without_room_keeps_nothing_waiting(postmaster: Account) -> None:
    Account.objects.filter(pk=postmaster.pk).update(quota_octets=1)
    queue("alice@far.test", reverse_path="")
    bounce_all()
    assert tell() == 0
    assert untold() == [("alice@far.test", "It has the null reverse-path.")]
    assert not QueuedRecipient.objects.exclude(report_due="").exists()


def test_only_failures_are_copied(postmaster: Account) -> None:
    """A delay that nobody can be told of is no double bounce."""
    queue("bob@far.test", reverse_path=f"gone@{postmaster.login.partition('@')[2]}")
    QueuedRecipient.objects.update(report_due="delayed")
    tell()
    assert inbox(postmaster) == []
    assert len(untold()) == 1
