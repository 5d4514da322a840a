"""Notices: accepted where the marks are cleared, once, to whoever is to know."""

import itertools
from datetime import datetime, timedelta
from random import Random

import pytest
from pytest_django import Settings

from delivery import bounces
from delivery.models import QueuedMessage, QueuedRecipient
from delivery.queue.claim import due_parcels
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from mailboxes.models import AccountUsage, Content, Message
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all, queue, read_data

pytestmark = pytest.mark.django_db
BOUNCED = Bounced("5.1.1", "550 5.1.1 No such user", Peer("mx.far.test", "192.0.2.1"))


def finish(domain: str, outcome: Outcome, *, now: datetime = NOON) -> None:
    claim = claim_all(now=now)[domain]
    results = [
        RecipientResult(parcel.message, each, outcome)
        for parcel in due_parcels(claim=claim, limit=100, except_ids=[], now=now)
        for each in parcel.recipients
    ]
    record(results={claim: results}, now=now, random=Random(1))


def send_reports(*, days: float = 0) -> int:
    numbers = itertools.count(1)
    return bounces.send_reports(now=NOON + timedelta(days=days), new_name=lambda: f"n{next(numbers)}")


def inbox_of(login: str) -> list[bytes]:
    messages = Message.objects.filter(mailbox__account__login=login, mailbox__name="INBOX").order_by("uid")
    return [bytes(Content.objects.get(pk=each.content_id).octets) for each in messages]


def test_a_hosted_sender_finds_one_notice_about_all_that_bounced() -> None:
    alice = new_account("alice")
    queue("bob@far.test", "carol@far.test", reverse_path=alice.login)
    finish("far.test", BOUNCED)
    assert send_reports() == 1
    [notice] = inbox_of(alice.login)
    assert notice.startswith(b"Return-Path: <>\r\nFrom: Mail Delivery System")
    for words in (b"Final-Recipient: rfc822; bob@far.test", b"rfc822; carol@far.test", b"Subject: Hello"):
        assert words in notice
    assert b"mx.far.test said: 550 5.1.1 No such user" in notice
    assert send_reports() == 0  # never twice
    assert len(inbox_of(alice.login)) == 1


@pytest.mark.parametrize(("protocol", "is_told"), [("ESMTPS", True), ("ESMTPSA", False)])
def test_who_brought_it_is_told_unless_it_was_submitted_here(
    protocol: str, is_told: bool, settings: Settings
) -> None:
    """RFC 3464 section 2.2.4; also where the account that submitted it is gone by now."""
    alice = new_account("alice")
    received = (
        f"from mx.elsewhere.test ([192.0.2.7])\r\n\tby {settings.HOSTNAME} with {protocol} id t1;\r\n\tdate"
    )
    octets = f"Return-Path: <x@y.test>\r\nReceived: {received}\r\nSubject: Hello\r\n\r\n".encode()
    queue("bob@far.test", reverse_path=alice.login, octets=octets)
    finish("far.test", BOUNCED)
    assert send_reports() == 1
    [notice] = inbox_of(alice.login)
    assert (b"\r\nReceived-From-MTA: dns; mx.elsewhere.test (192.0.2.7)\r\n" in notice) is is_told


@pytest.mark.parametrize("is_confirmed", [True, False])
@pytest.mark.parametrize("is_ours", [True, False])
def test_strangers_are_told_of_no_success_where_the_operator_lets_them_be_told_of_none(
    settings: Settings, is_confirmed: bool, is_ours: bool
) -> None:
    """By an alias that leads elsewhere, too: a forged reverse-path makes this host write to nobody."""
    settings.SMTP_CONFIRM_DELIVERY = is_confirmed
    alice = new_account("alice")
    queue("bob@far.test", reverse_path=alice.login)
    QueuedMessage.objects.update(account=alice if is_ours else None)
    QueuedRecipient.objects.update(notify="SUCCESS,FAILURE")
    finish("far.test", Delivered("250 2.0.0 Ok", Peer("mx.far.test", "192.0.2.1")))
    assert send_reports() == (is_confirmed or is_ours)
    assert not QueuedRecipient.objects.exclude(report_due="").exists()
    QueuedRecipient.objects.update(state="bounced", report_due="failed")
    assert send_reports() == 1


def test_a_sender_elsewhere_gets_it_through_the_queue_with_the_null_reverse_path() -> None:
    queue("bob@far.test", reverse_path="alice@elsewhere.test")
    finish("far.test", BOUNCED)
    assert send_reports() == 1
    notice = QueuedMessage.objects.get(reverse_path="")
    assert notice.recipients.get().forward_path == "alice@elsewhere.test"
    data = read_data(content_id=notice.content_id)
    assert data is not None
    assert data.startswith(b"From: Mail Delivery System")


def test_a_notice_that_bounces_makes_no_other_one() -> None:
    queue("bob@far.test", reverse_path="alice@elsewhere.test")
    finish("far.test", BOUNCED)
    send_reports()
    finish("elsewhere.test", BOUNCED)
    assert send_reports() == 0
    assert QueuedMessage.objects.count() == 2


def test_a_reverse_path_that_is_nobody_here_ends_it() -> None:
    domain = new_account("alice").login.partition("@")[2]
    queue("bob@far.test", reverse_path=f"gone@{domain}")
    finish("far.test", BOUNCED)
    assert send_reports() == 0
    assert QueuedRecipient.objects.get().report_due == ""


def test_a_full_mailbox_gets_its_notice_later() -> None:
    alice = new_account("alice", quota_octets=1_000_000)
    AccountUsage.objects.filter(account=alice).update(octets=1_000_000)
    queue("bob@far.test", reverse_path=alice.login)
    finish("far.test", BOUNCED)
    assert send_reports() == 0
    assert QueuedRecipient.objects.get().report_due == "failed"
    AccountUsage.objects.filter(account=alice).update(octets=0)
    assert send_reports() == 1


def test_a_delay_is_told_once() -> None:
    alice = new_account("alice")
    queue("bob@far.test", reverse_path=alice.login)
    finish("far.test", Deferred("4.7.1", "451 4.7.1 later", Peer("mx.far.test")))
    bounces.mark_delayed(now=NOON + timedelta(hours=3))
    assert send_reports() == 0
    for hours in (4, 5):
        bounces.mark_delayed(now=NOON + timedelta(hours=hours))
        send_reports()
    [notice] = inbox_of(alice.login)
    assert b"Action: delayed" in notice
    assert b"Will-Retry-Until: Fri, 06 Mar 2026 12:00:00 +0000" in notice
    assert QueuedRecipient.objects.get().state == "deferred"


@pytest.mark.parametrize(
    ("then", "told"), [(Deferred("4.7.1", "451 later"), 1), (BOUNCED, 1), (Delivered("250 2.0.0 Ok"), 0)]
)
def test_a_delay_that_waits_to_be_told_is_told_as_far_as_it_is_one(then: Outcome, told: int) -> None:
    """A try in between that puts off once more takes nothing back; one that settles it does."""
    alice = new_account("alice", quota_octets=1_000_000)
    queue("bob@far.test", reverse_path=alice.login)
    finish("far.test", Deferred("4.7.1", "451 4.7.1 later", Peer("mx.far.test")))
    AccountUsage.objects.filter(account=alice).update(octets=1_000_000)
    bounces.mark_delayed(now=NOON + timedelta(hours=5))
    assert send_reports() == 0
    finish("far.test", then, now=NOON + timedelta(hours=6))
    AccountUsage.objects.filter(account=alice).update(octets=0)
    assert send_reports() == told
    action = b"failed" if then is BOUNCED else b"delayed"
    assert [b"Action: " + action in each for each in inbox_of(alice.login)] == [True] * told


def test_delays_are_not_told_where_the_operator_wants_none(settings: Settings) -> None:
    settings.QUEUE_DELAY_NOTICE_SECONDS = 0
    queue("bob@far.test", reverse_path=new_account("alice").login)
    bounces.mark_delayed(now=NOON + timedelta(days=1))
    assert send_reports() == 0


def test_the_whole_message_comes_back_where_it_was_asked_for() -> None:
    alice = new_account("alice")
    message_id = queue("bob@far.test", reverse_path=alice.login)
    QueuedMessage.objects.filter(pk=message_id).update(ret="FULL", envid="QQ+2B1")
    QueuedRecipient.objects.update(orcpt="rfc822;Bob+2BHome@first.test")
    finish("far.test", BOUNCED)
    assert send_reports() == 1
    [notice] = inbox_of(alice.login)
    assert b"Content-Type: message/rfc822\r\n" in notice
    assert b"\r\nHow are you?\r\n" in notice
    assert b"Original-Envelope-Id: QQ+1\r\n" in notice
    assert b"Original-Recipient: rfc822; Bob+Home@first.test\r\n" in notice


@pytest.mark.parametrize(
    "changes", [{"ret": "HDRS"}, {"ret": ""}, {"ret": "FULL", "requires_tls": True}], ids=str
)
def test_otherwise_its_header_comes_back(changes: dict[str, object]) -> None:
    alice = new_account("alice")
    message_id = queue("bob@far.test", reverse_path=alice.login)
    QueuedMessage.objects.filter(pk=message_id).update(**changes)
    finish("far.test", BOUNCED)
    assert send_reports() == 1
    [notice] = inbox_of(alice.login)
    assert b"Content-Type: text/rfc822-headers\r\n" in notice
    assert b"How are you?" not in notice


@pytest.mark.parametrize("requires_tls", [True, False])
def test_a_notice_asks_for_tls_on_all_its_way_where_the_message_did(requires_tls: bool) -> None:
    """RFC 8689 section 5."""
    message_id = queue("bob@far.test", reverse_path="carol@elsewhere.test")
    QueuedMessage.objects.filter(pk=message_id).update(
        requires_tls=requires_tls, account_id=new_account("alice").pk
    )
    finish("far.test", BOUNCED)
    assert send_reports() == 1
    assert QueuedMessage.objects.get(reverse_path="").requires_tls is requires_tls


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY"])
def test_a_failure_is_not_told_where_it_was_not_asked_for(notify: str) -> None:
    queue("bob@far.test", reverse_path=new_account("alice").login)
    QueuedRecipient.objects.update(notify=notify)
    finish("far.test", BOUNCED)
    assert send_reports() == 0
