"""Enqueueing, claiming and writing back, on Postgres, with a clock of the test's own."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from django.conf import settings
from pytest_django import Settings

from delivery.models import Attempt, Destination, QueuedMessage, QueuedRecipient
from delivery.queue import destination_outcomes
from delivery.queue.claim import (
    capture,
    due_parcels,
    give_up_claim,
    is_own,
    release_claim,
    renew_claims,
)
from delivery.queue.cleaning import remove_finished
from delivery.queue.destination_outcomes import bounce_waiting, put_off
from delivery.queue.enqueue import enqueue
from delivery.queue.outcomes import Recorded, record
from delivery.queue.rows import NewQueuedMessage, NewRecipient
from delivery.queue.values import Claim, RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from delivery.relay.parcel import Parcel
from tests.support.queueing import MESSAGE, NOON, claim_all, queue, read_data, state

pytestmark = pytest.mark.django_db
PEER = Peer("mx.far.test", "192.0.2.1", "TLSv1.3 X", "valid")
DELIVERED = Delivered("250 ok", PEER)
MINUTE = timedelta(minutes=1)


def due(claim: Claim, *, minutes: float = 0) -> list[Parcel]:
    return due_parcels(claim=claim, limit=100, except_ids=[], now=NOON + minutes * MINUTE)


def write(claim: Claim, outcome: Outcome, *, minutes: float = 0, notify: str = "") -> Recorded:
    results = [
        RecipientResult(parcel.message, replace(each, notify=notify), outcome)
        for parcel in due(claim, minutes=minutes)
        for each in parcel.recipients
    ]
    return record(results={claim: results}, now=NOON + minutes * MINUTE, random=Random(1))[claim]


def test_a_message_waits_by_destination() -> None:
    message_id = queue("bob@far.test", "carol@far.test", "dave@near.test")
    found = claim_all()
    assert set(found) == {"far.test", "near.test"}
    [parcel] = due(found["far.test"])
    assert [each.forward_path for each in parcel.recipients] == ["bob@far.test", "carol@far.test"]
    assert (parcel.message.message_id, parcel.message.reverse_path) == (message_id, "alice@elsewhere.test")
    assert parcel.message.body == "7BIT"
    assert not parcel.needs_smtputf8


def test_of_messages_queued_together_each_has_its_own_recipients() -> None:
    messages = [
        NewQueuedMessage(
            content_id=10 + number,
            reverse_path=f"from{number}@x.test",
            size_octets=100,
            recipients=[NewRecipient(f"r{number}-{n}@d{n}.test", notify="NEVER") for n in range(number)],
            release_at=NOON + MINUTE if number == 2 else None,
            outbox=(5, 6) if number == 2 else None,
        )
        for number in range(4)
    ]
    ids = enqueue(messages, now=NOON)
    assert ids == sorted(set(ids))
    for number, message_id in enumerate(ids):
        message = QueuedMessage.objects.get(pk=message_id)
        assert (message.content_id, message.reverse_path) == (10 + number, f"from{number}@x.test")
        assert message.expires_at - (message.release_at or message.created_at) == timedelta(
            seconds=settings.QUEUE_LIFETIME_SECONDS
        )
        assert (message.outbox_mailbox_id, message.outbox_uid) == ((5, 6) if number == 2 else (None, None))
        waiting = message.recipients.order_by("id").values_list(
            "forward_path", "destination__name", "state", "next_attempt_at", "notify"
        )
        first, at = ("waiting", NOON + MINUTE) if number == 2 else ("queued", NOON)
        assert list(waiting) == [
            (f"r{number}-{n}@d{n}.test", f"d{n}.test", first, at, "NEVER") for n in range(number)
        ]


def test_what_is_sent_has_no_return_path_and_ends_in_a_dot() -> None:
    queue("bob@far.test")
    [parcel] = due(claim_all()["far.test"])
    data = read_data(content_id=parcel.message.content_id)
    assert data is not None
    assert data.startswith(b"From: Alice")
    assert data.endswith(b"you?\r\n.\r\n")
    assert read_data(content_id=0) is None


def test_a_claimed_destination_is_nobody_elses() -> None:
    queue("bob@far.test")
    assert set(claim_all()) == {"far.test"}
    assert claim_all() == {}
    queue("carol@far.test")  # mail that comes meanwhile changes nothing about it
    assert claim_all() == {}


def test_a_killed_workers_claim_goes_to_the_next_one_when_its_lease_is_over() -> None:
    queue("bob@far.test")
    dead = claim_all(lease_seconds=90)["far.test"]
    assert claim_all(now=NOON + timedelta(seconds=89)) == {}
    living = claim_all(now=NOON + timedelta(seconds=90))["far.test"]
    assert write(dead, DELIVERED) == Recorded(is_own=False)
    assert state("bob@far.test") == "queued"
    assert write(living, DELIVERED) == Recorded(is_own=True)
    assert state("bob@far.test") == "delivered"


def test_a_renewed_lease_goes_on() -> None:
    queue("bob@far.test")
    claim = claim_all()["far.test"]
    stranger = replace(claim, token=uuid4())
    own = renew_claims(claims=[claim, stranger], lease_seconds=90, now=NOON + MINUTE)
    assert own == {claim.token}
    assert claim_all(now=NOON + 2 * MINUTE) == {}


def test_a_claim_given_up_can_be_taken_at_once() -> None:
    queue("bob@far.test")
    give_up_claim(claim=claim_all()["far.test"])
    assert set(claim_all()) == {"far.test"}


def test_delivery_is_written_with_its_attempt_and_the_destination_rests() -> None:
    queue("bob@far.test")
    claim = claim_all()["far.test"]
    assert not write(claim, DELIVERED).has_reports
    release_claim(claim=claim, was_reached=True, now=NOON)
    recipient = QueuedRecipient.objects.get()
    assert (recipient.state, recipient.attempts, recipient.finished_at) == ("delivered", 1, NOON)
    attempt = Attempt.objects.get()
    assert (attempt.host, attempt.outcome, attempt.tls) == ("mx.far.test", "delivered", "TLSv1.3 X")
    destination = Destination.objects.get()
    assert (destination.next_attempt_at, destination.claim_token) == (None, None)
    queue("carol@far.test", now=NOON + MINUTE)
    assert set(claim_all(now=NOON + MINUTE)) == {"far.test"}


def test_a_deferral_of_one_recipient_waits_alone() -> None:
    queue("bob@far.test")
    claim = claim_all()["far.test"]
    write(claim, Deferred("4.7.1", "451 4.7.1 greylisted", PEER))
    release_claim(claim=claim, was_reached=True, now=NOON)
    assert state("bob@far.test") == "deferred"
    assert claim_all(now=NOON + MINUTE) == {}
    queue("carol@far.test", now=NOON + MINUTE)  # others need not wait for it
    claim = claim_all(now=NOON + MINUTE)["far.test"]
    assert [each.recipients[0].forward_path for each in due(claim, minutes=1)] == ["carol@far.test"]
    release_claim(claim=claim, was_reached=True, now=NOON)
    assert len(due(claim_all(now=NOON + 3 * MINUTE)["far.test"], minutes=3)) == 2


def test_a_bounce_is_marked_to_be_told() -> None:
    queue("bob@far.test")
    assert write(claim_all()["far.test"], Bounced("5.1.1", "550 no", PEER)) == Recorded(
        True, has_reports=True
    )
    assert (state("bob@far.test"), QueuedRecipient.objects.get().report_due) == ("bounced", "failed")


@pytest.mark.parametrize(
    ("reverse_path", "notify", "outcome", "report"),
    [
        ("", "NEVER", Bounced("5.1.1", "550 no"), "failed"),  # nobody is: bounces.py says so in the trace
        ("", "SUCCESS", DELIVERED, ""),
        ("a@b.test", "NEVER", Bounced("5.1.1", "550 no"), ""),
        ("a@b.test", "SUCCESS", Bounced("5.1.1", "550 no"), ""),
        ("a@b.test", "failure,delay", Bounced("5.1.1", "550 no"), "failed"),
        ("a@b.test", "", DELIVERED, ""),
        ("a@b.test", "SUCCESS", DELIVERED, "relayed"),
        ("a@b.test", "SUCCESS", Delivered("250 ok", PEER, keeps_dsn=True), ""),
    ],
)
def test_only_who_wants_to_know_is_told(
    reverse_path: str, notify: str, outcome: Outcome, report: str
) -> None:
    queue("bob@far.test", reverse_path=reverse_path)
    write(claim_all()["far.test"], outcome, notify=notify)
    assert QueuedRecipient.objects.get().report_due == report


def test_a_deferral_after_the_end_expires() -> None:
    queue("bob@far.test")
    minutes = 5 * 24 * 60
    claim = claim_all(now=NOON + minutes * MINUTE)["far.test"]
    assert write(claim, Deferred("4.2.1", "450 later", PEER), minutes=minutes).has_reports
    recipient = QueuedRecipient.objects.get()
    assert (recipient.state, recipient.last_status, recipient.report_due) == ("expired", "4.4.7", "failed")


def test_a_dead_destination_is_put_off_as_a_whole_and_new_mail_does_not_wake_it() -> None:
    for number in range(3):
        queue(f"r{number}@dead.test")
    dead = Deferred("4.4.1", "The connection could not be made.")
    claim = claim_all()["dead.test"]
    put_off(claim=claim, outcome=dead, was_reached=False, now=NOON, random=Random(1))
    destination = Destination.objects.get()
    assert (destination.failures, destination.last_reply) == (1, dead.reply)
    queue("late@dead.test")
    assert claim_all(now=NOON + MINUTE) == {}
    claim = claim_all(now=NOON + 3 * MINUTE)["dead.test"]
    assert (claim.failures, len(due(claim, minutes=3))) == (1, 4)
    put_off(claim=claim, outcome=dead, was_reached=False, now=NOON + 3 * MINUTE, random=Random(1))
    assert Destination.objects.get().failures == 2
    assert Attempt.objects.filter(outcome="deferred").count() == 3 + 4


def test_what_waits_too_long_for_a_dead_destination_expires() -> None:
    queue("old@dead.test")
    queue("young@dead.test", now=NOON + timedelta(days=2))
    now = NOON + timedelta(days=5)
    claim = claim_all(now=now)["dead.test"]
    dead = Deferred("4.4.1", "The connection could not be made.")
    assert put_off(claim=claim, outcome=dead, was_reached=False, now=now, random=Random(1)).has_reports
    assert (state("old@dead.test"), state("young@dead.test")) == ("expired", "deferred")


def test_what_was_hurried_expires_no_later_than_it_would_have() -> None:
    queue("old@dead.test")
    queue("young@dead.test", now=NOON + timedelta(days=2))
    hurried = NOON + timedelta(days=4)
    QueuedRecipient.objects.filter(forward_path="old@dead.test").update(next_attempt_at=hurried)
    dead = Deferred("4.4.1", "The connection could not be made.")
    claim = claim_all(now=hurried)["dead.test"]
    put_off(claim=claim, outcome=dead, was_reached=False, now=hurried, random=Random(1))
    now = NOON + timedelta(days=5)
    put_off(claim=claim_all(now=now)["dead.test"], outcome=dead, was_reached=False, now=now, random=Random(1))
    assert (state("old@dead.test"), state("young@dead.test")) == ("expired", "deferred")


def test_a_destination_that_is_none_bounces_all_that_waits() -> None:
    queue("a@nowhere.test", "b@nowhere.test")
    queue("c@nowhere.test", reverse_path="")
    claim = claim_all()["nowhere.test"]
    bounce_waiting(claim=claim, outcome=Bounced("5.1.2", "There is no such domain."), now=NOON)
    assert set(QueuedRecipient.objects.values_list("forward_path", "state", "report_due")) == {
        ("a@nowhere.test", "bounced", "failed"),
        ("b@nowhere.test", "bounced", "failed"),
        ("c@nowhere.test", "bounced", "failed"),  # nobody is: bounces.py says so in the trace
    }
    assert claim_all(now=NOON + timedelta(days=1)) == {}


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two recipients end in one transaction; how many waited for the destination whenever it was locked for one."""
    seen = []

    def counting(claim: Claim) -> bool:
        seen.append(QueuedRecipient.objects.filter(state="queued").count())
        return is_own(claim)

    monkeypatch.setattr(destination_outcomes, "BATCH", 2)
    monkeypatch.setattr(destination_outcomes, "is_own", counting)
    return seen


def test_what_bounces_together_does_so_in_short_transactions(locks: list[int]) -> None:
    queue(*(f"r{number}@nowhere.test" for number in range(5)))
    claim = claim_all()["nowhere.test"]
    told = bounce_waiting(claim=claim, outcome=Bounced("5.1.2", "There is no such domain."), now=NOON)
    assert told == Recorded(is_own=True, has_reports=True)
    assert locks == [5, 3, 1]
    assert QueuedRecipient.objects.filter(state="bounced").count() == Attempt.objects.count() == 5
    assert Destination.objects.get().claim_token is None
    assert claim_all(now=NOON + timedelta(days=1)) == {}


def test_what_expires_together_does_so_in_short_transactions(locks: list[int]) -> None:
    queue(*(f"r{number}@dead.test" for number in range(4)))
    now = NOON + timedelta(days=5)
    queue("young@dead.test", now=now - timedelta(days=1))
    dead = Deferred("4.4.1", "The connection could not be made.")
    claim = claim_all(now=now)["dead.test"]
    told = put_off(claim=claim, outcome=dead, was_reached=False, now=now, random=Random(1))
    assert told == Recorded(is_own=True, has_reports=True)
    assert locks == [5, 3, 1]
    assert QueuedRecipient.objects.filter(state="expired").count() == 4
    assert state("young@dead.test") == "deferred"
    assert set(claim_all(now=now + timedelta(days=1))) == {"dead.test"}


def test_who_loses_the_claim_between_two_of_them_leaves_the_rest(
    locks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(*(f"r{number}@nowhere.test" for number in range(5)))
    claim = claim_all()["nowhere.test"]
    monkeypatch.setattr(destination_outcomes, "is_own", lambda claim: not Attempt.objects.exists())
    told = bounce_waiting(claim=claim, outcome=Bounced("5.1.2", "There is no such domain."), now=NOON)
    assert not told.is_own
    assert QueuedRecipient.objects.filter(state="queued").count() == 3
    assert Destination.objects.get().claim_token == claim.token


def test_a_lost_claim_writes_nothing_about_the_destination() -> None:
    queue("bob@far.test")
    lost = replace(claim_all()["far.test"], token=uuid4())
    release_claim(claim=lost, was_reached=True, now=NOON)
    give_up_claim(claim=lost)
    put_off(claim=lost, outcome=Deferred("4.4.1", "x"), was_reached=False, now=NOON, random=Random(1))
    bounce_waiting(claim=lost, outcome=Bounced("5.1.2", "x"), now=NOON)
    capture(claim=lost, now=NOON)
    assert state("bob@far.test") == "queued"
    assert Destination.objects.get().claim_token is not None


def test_in_capture_mode_nothing_waits(settings: Settings) -> None:
    settings.RELAY = "capture"
    queue("bob@far.test")
    assert state("bob@far.test") == "captured"
    assert claim_all() == {}


def test_what_waited_before_capture_mode_is_captured_when_claimed() -> None:
    queue("bob@far.test")
    capture(claim=claim_all()["far.test"], now=NOON)
    assert state("bob@far.test") == "captured"
    assert claim_all(now=NOON + timedelta(days=1)) == {}


def test_many_recipients_go_in_parcels_of_a_hundred() -> None:
    queue(*(f"r{number}@far.test" for number in range(150)))
    parcels = due_parcels(claim=claim_all()["far.test"], limit=1_000, except_ids=[], now=NOON)
    assert [len(parcel.recipients) for parcel in parcels] == [100, 50]


def test_non_ascii_addresses_need_smtputf8() -> None:
    queue("jörg@far.test")
    [parcel] = due(claim_all()["far.test"])
    assert parcel.needs_smtputf8


def test_what_is_known_of_an_attempt_outlives_the_message() -> None:
    octets = b"Message-ID: <queued@elsewhere.test>\r\n" + MESSAGE
    queue_id = queue("Bob@Far.test", reverse_path="Alice@Elsewhere.test", octets=octets)
    claim = claim_all()["far.test"]
    write(claim, Bounced("5.2.2", "552 5.2.2 mailbox full", PEER))
    release_claim(claim=claim, was_reached=True, now=NOON)
    QueuedRecipient.objects.update(report_due="")
    assert remove_finished(now=NOON + timedelta(days=15)) == 1
    row = Attempt.objects.get()
    assert (row.queue_id, row.message_id, row.at) == (queue_id, "<queued@elsewhere.test>", NOON)
    assert (row.reverse_path, row.forward_path) == ("Alice@Elsewhere.test", "Bob@far.test")
    assert (row.sender_domain, row.domain) == ("elsewhere.test", "far.test")
    assert (row.host, row.address, row.tls) == ("mx.far.test", "192.0.2.1", "TLSv1.3 X")
    assert row.certificate == "valid"
    assert (row.outcome, row.cause, row.reply) == ("bounced", "full", "552 5.2.2 mailbox full")
    assert row.subject == ""


def test_subjects_are_kept_where_they_are_to_be(settings: Settings) -> None:
    settings.TRACE_SUBJECTS = True
    queue("bob@far.test")
    write(claim_all()["far.test"], DELIVERED)
    assert Attempt.objects.get().subject == "Hello"


def test_finished_messages_go_when_they_are_kept_no_longer() -> None:
    queue("bob@far.test")
    queue("eve@dead.test")
    claim = claim_all()["far.test"]
    write(claim, DELIVERED)
    release_claim(claim=claim, was_reached=True, now=NOON)
    assert remove_finished(now=NOON + timedelta(days=13)) == 0
    assert remove_finished(now=NOON + timedelta(days=15)) == 1
    assert QueuedMessage.objects.count() == QueuedRecipient.objects.count() == 1
    assert [each.name for each in Destination.objects.all()] == ["dead.test"]
