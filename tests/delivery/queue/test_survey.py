"""What waits and what came and went, counted from the rows: for the whole host and for each domain that sends."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from delivery.models import Attempt, QueuedMessage, QueuedRecipient, QueueFlow, QueueSurvey
from delivery.models.trace import Event
from delivery.queue import survey as surveys
from delivery.queue.standing import AGE_LABELS, Numbers, read_flow, read_numbers
from delivery.queue.survey import survey
from mailboxes.models import Account
from tests.support.hosting import new_account, new_domain
from tests.support.queueing import NOON, queue

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    QueueSurvey.objects.all().delete()
    QueueFlow.objects.all().delete()


def send(account: Account | None, *forward_paths: str, minutes_ago: int = 0) -> None:
    pk = queue(*forward_paths, now=NOON - minutes_ago * MINUTE)
    QueuedMessage.objects.filter(pk=pk).update(account=account)


def attempt(row: QueuedRecipient, *, at: datetime, outcome: Event) -> None:
    message = row.message
    Attempt.objects.create(
        recipient=row, queue_id=message.pk, account_id=message.account_id, at=at, outcome=outcome
    )


def count(*domains: str) -> Numbers:
    assert survey(now=NOON, is_urgent=True)
    return read_numbers(sent_from=domains or None, now=NOON)


def test_counts_are_of_what_is_not_over_by_state_age_and_next_hop() -> None:
    send(None, "a@far.test", "b@far.test", minutes_ago=3)
    send(None, "c@near.test", minutes_ago=90)
    send(None, "gone@far.test", minutes_ago=9_000)
    QueuedRecipient.objects.filter(forward_path="gone@far.test").update(state="delivered")
    QueuedRecipient.objects.filter(forward_path="b@far.test").update(state="held")
    numbers = count()
    assert (numbers.total, dict(numbers.states)) == (
        3,
        {"queued": 2, "deferred": 0, "held": 1, "waiting": 0},
    )
    assert {label: number for label, number in numbers.ages if number} == {"< 5 min": 2, "< 2 h": 1}
    assert [label for label, _ in numbers.ages] == list(AGE_LABELS)
    assert [(hop.name, hop.count, hop.oldest) for hop in numbers.hops] == [
        ("far.test", 2, NOON - 3 * MINUTE),
        ("near.test", 1, NOON - 90 * MINUTE),
    ]
    assert numbers.oldest == NOON - 90 * MINUTE


def test_the_last_reply_is_one_that_was_given_to_whoever_looks() -> None:
    ours, theirs = new_domain(), new_domain()
    send(new_account("bob", domain=ours), "a@far.test")
    send(new_account("eve", domain=theirs), "b@far.test")
    for name, reply in (("a", "452 a is full"), ("b", "452 b is full")):
        row = QueuedRecipient.objects.filter(forward_path=f"{name}@far.test")
        row.update(state="deferred", last_reply=reply)
    assert [hop.reply for hop in count(ours).hops] == ["452 a is full"]
    assert [hop.reply for hop in count(theirs).hops] == ["452 b is full"]
    [both] = count(ours, theirs).hops
    assert (both.count, both.reply) == (2, "452 b is full")
    assert count("nowhere.test").total == 0


def test_what_is_gone_is_counted_no_more() -> None:
    ours = new_domain()
    send(new_account("bob", domain=ours), "a@far.test")
    assert count(ours).total == 1
    QueuedRecipient.objects.update(state="delivered")
    assert survey(now=NOON + MINUTE)
    assert read_numbers(sent_from=(ours,), now=NOON).total == 0


def test_much_that_waits_is_counted_less_often() -> None:
    assert survey(now=NOON)
    QueueSurvey.objects.update(seconds=3.0)
    assert not survey(now=NOON + timedelta(seconds=59))
    assert survey(now=NOON + timedelta(seconds=60))


def test_what_came_and_went_stands_in_steps_and_is_never_counted_twice() -> None:
    ours = new_domain()
    send(new_account("bob", domain=ours), "a@far.test", "b@far.test", minutes_ago=12)
    send(None, "c@far.test", minutes_ago=2)
    rows = {row.forward_path[0]: row for row in QueuedRecipient.objects.select_related("message")}
    attempt(rows["a"], at=NOON - 11 * MINUTE, outcome=Event.DELIVERED)
    attempt(rows["b"], at=NOON - 11 * MINUTE, outcome=Event.DEFERRED)
    attempt(rows["c"], at=NOON - MINUTE, outcome=Event.EXPIRED)
    for minute in range(3):
        assert survey(now=NOON + minute * MINUTE, is_urgent=True)
    flows = read_flow(sent_from=None, since=NOON - 20 * MINUTE, step=10 * MINUTE)
    told = [(flow.at, flow.queued, flow.delivered, flow.deferred, flow.bounced) for flow in flows]
    assert told == [(NOON - 20 * MINUTE, 2, 1, 1, 0), (NOON - 10 * MINUTE, 1, 0, 0, 1)]
    hers = read_flow(sent_from=(ours,), since=NOON - 20 * MINUTE, step=10 * MINUTE)
    assert [(flow.queued, flow.delivered) for flow in hers] == [(2, 1)]
    assert survey(now=NOON + surveys.KEPT + 15 * MINUTE, is_urgent=True)
    assert not QueueFlow.objects.exists()


def test_a_worker_that_comes_back_counts_what_it_missed() -> None:
    assert survey(now=NOON - timedelta(hours=5))
    send(None, "a@far.test", minutes_ago=200)
    assert survey(now=NOON)
    [flow] = read_flow(sent_from=None, since=NOON - timedelta(hours=12), step=timedelta(minutes=10))
    assert flow.queued == 1


def test_two_at_once_count_once() -> None:
    other = connection.copy()
    with other.cursor() as sql:
        sql.execute("SELECT pg_advisory_lock(%s)", (surveys.LOCK,))
        assert not survey(now=NOON, is_urgent=True)
    other.close()
    assert survey(now=NOON, is_urgent=True)
