"""What happens to a recipient in the queue without a try, as the outbound trace has it."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from delivery.bounces import report_message
from delivery.models import Attempt, QueuedMessage, QueuedRecipient, ReportDue, ReturnedKind
from delivery.models.trace import Event
from delivery.queue.claim import capture
from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import Order, Verb, advance, begin
from delivery.queue.waiting import release_due, stop
from delivery.returned import note_returned
from delivery.trace.outbound import note
from mailboxes.models import Content
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all, queue

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def direct(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    settings.RELAY = "direct"
    for module in ("enqueue", "verbs"):
        monkeypatch.setattr(f"delivery.queue.{module}.relay_is_due", lambda: None)
    QueuedMessage.objects.all().delete()
    Attempt.objects.all().delete()


def told() -> list[tuple[str, str, str]]:
    """What the trace has, from the first to the last."""
    return list(Attempt.objects.order_by("id").values_list("forward_path", "outcome", "reply"))


@pytest.mark.parametrize(
    ("order", "event", "reply"),
    [
        (Order(verb=Verb.HOLD), "held", "By an operator"),
        (Order(verb=Verb.RETRY), "retried", "By an operator"),
        (Order(verb=Verb.DEFER, until=NOON + HOUR), "deferred", "By an operator, until 2026-03-01 13:00 UTC"),
        (Order(verb=Verb.CANCEL), "cancelled", "By an operator"),
        (Order(verb=Verb.REDIRECT, to="other.test"), "redirected", "By an operator, to other.test"),
        (Order(verb=Verb.BOUNCE, reply="No more of this"), "bounced", "No more of this"),
    ],
)
def test_each_verb_is_told(order: Order, event: str, reply: str) -> None:
    queue("bob@far.test", "carol@near.test")
    asked = QueueFilter(recipient="bob@far.test")
    advance(order=order, asked=asked, run=begin(order=order, asked=asked), by="op", now=NOON)
    assert told() == [("bob@far.test", event, reply)]


def test_what_is_kept_from_the_beginning_is_told(settings: Settings) -> None:
    settings.RELAY = "capture"
    queue("bob@far.test", "carol@near.test")
    assert sorted(told()) == [("bob@far.test", "captured", ""), ("carol@near.test", "captured", "")]


def test_a_release_is_told() -> None:
    queue("bob@far.test")
    QueuedRecipient.objects.update(state="held")
    order, asked = Order(verb=Verb.RELEASE), QueueFilter()
    advance(order=order, asked=asked, run=begin(order=order, asked=asked), by="op", now=NOON)
    assert told() == [("bob@far.test", "released", "By an operator")]


def test_what_waited_for_its_time_is_let_go_or_taken_back() -> None:
    gone, back = queue("bob@far.test"), queue("carol@far.test")
    QueuedRecipient.objects.update(state="waiting")
    QueuedMessage.objects.filter(pk=gone).update(release_at=NOON)
    QueuedMessage.objects.filter(pk=back).update(release_at=NOON + HOUR)
    assert release_due(now=NOON) == 1
    assert stop(message_id=back, now=NOON) == ["carol@far.test"]
    assert [row[:2] for row in told()] == [("bob@far.test", "released"), ("carol@far.test", "cancelled")]


def test_what_is_kept_instead_of_sent_is_told() -> None:
    queue("bob@far.test")
    capture(claim=claim_all()["far.test"], now=NOON)
    assert told() == [("bob@far.test", "captured", "")]


def test_that_the_sender_was_told_is_told() -> None:
    alice = new_account("alice")
    message_id = queue("bob@far.test", "carol@far.test", reverse_path=alice.login)
    QueuedRecipient.objects.filter(forward_path="bob@far.test").update(
        state="bounced", report_due=ReportDue.FAILED
    )
    QueuedRecipient.objects.filter(forward_path="carol@far.test").update(report_due=ReportDue.DELAYED)
    assert report_message(message_id=message_id, now=NOON, new_name=lambda: "x")
    number = Content.objects.get(message_id__startswith="<x.report@").pk
    assert told() == [
        ("bob@far.test", "reported", f"{alice.login} was told that it did not arrive (notice N{number})"),
        ("carol@far.test", "reported", f"{alice.login} was told that it waits (notice N{number})"),
    ]


@pytest.mark.parametrize(
    ("reverse_path", "why"),
    [
        ("", "It has the null reverse-path."),
        ("no address", "Its sender no address is no address here that mail can go to."),
    ],
)
def test_nobody_was_told_where_nobody_could_be(reverse_path: str, why: str) -> None:
    """RFC 3461 section 5.2: no notice of a notice; unless the operator wants it, the trace alone tells of it."""
    message_id = queue("bob@far.test", reverse_path=reverse_path)
    QueuedRecipient.objects.update(state="bounced", report_due=ReportDue.FAILED)
    before = Content.objects.count()
    assert not report_message(message_id=message_id, now=NOON, new_name=lambda: "x")
    assert told() == [("bob@far.test", "untold", why)]
    assert (Content.objects.count(), QueuedRecipient.objects.get().report_due) == (before, "")


def test_what_comes_back_later_is_told_once() -> None:
    queue("bob@far.test")
    QueuedRecipient.objects.update(state="delivered", attempts=1)
    recipient_id = QueuedRecipient.objects.get().pk
    for _ in range(2):
        note_returned(
            kind=ReturnedKind.BOUNCE,
            recipient_id=recipient_id,
            diagnostic="550 5.1.1 gone",
            is_proven=True,
            now=NOON,
        )
    note_returned(kind=ReturnedKind.COMPLAINT, recipient_id=recipient_id, is_vouched_for=True, now=NOON)
    assert told() == [("bob@far.test", "returned", "550 5.1.1 gone"), ("bob@far.test", "complained", "")]


def test_a_forwarded_message_is_of_the_domain_that_forwards_it() -> None:
    queue("bob@far.test", reverse_path="Stranger@Hosted.test")
    QueuedMessage.objects.update(forwarded_by="alias.test")
    note([QueuedRecipient.objects.get().pk], event=Event.HELD, now=NOON)
    assert list(Attempt.objects.values_list("sender_domain", "domain")) == [("alias.test", "far.test")]


def test_postmaster_without_a_domain_has_none() -> None:
    queue("bob@far.test", reverse_path="")
    QueuedRecipient.objects.update(forward_path="Postmaster")
    note([QueuedRecipient.objects.get().pk], event=Event.HELD, now=NOON)
    assert list(Attempt.objects.values_list("sender_domain", "domain")) == [("", "")]
