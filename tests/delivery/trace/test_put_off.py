"""What waits for a host that nobody reaches: each of thousands is told why, and no row is written for it."""

from datetime import timedelta
from random import Random

import pytest
from django.test import Client
from pytest_django import Settings

from delivery.models import Attempt, Destination, QueuedMessage
from delivery.queue.destination_outcomes import put_off
from delivery.relay.outcome import Deferred
from delivery.trace import wording
from delivery.trace.asking import EVERYTHING, Asked, Scope
from delivery.trace.searching import Found, find
from delivery.trace.timeline import read_timeline
from mailboxes.models import Account
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all, queue

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
MANY = 203  # more than two looks tell of
UNREACHED = Deferred("4.4.1", "mx.dead.test: the connection could not be made")


@pytest.fixture(autouse=True)
def quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)


def look_in_vain(*, minutes: int, outcome: Deferred = UNREACHED) -> None:
    now = NOON + minutes * MINUTE
    claim = claim_all(now=now)["dead.test"]
    put_off(claim=claim, outcome=outcome, was_reached=False, now=now, random=Random(1))


def untold() -> list[str]:
    """Those of whom the outbound trace has nothing."""
    told = set(Attempt.objects.values_list("forward_path", flat=True))
    return [path for number in range(MANY) if (path := f"r{number}@dead.test") not in told]


def waits(path: str, scope: Scope = EVERYTHING) -> Found:
    [row] = [
        row for row in find(Asked(recipient=path), scope, limit=10, now=NOON).rows if row.source == "queue"
    ]
    return row


def test_who_is_not_among_the_first_is_told_the_same() -> None:
    number = queue(*(f"r{number}@dead.test" for number in range(MANY)))
    for minutes in (0, 60):
        look_in_vain(minutes=minutes)
    next_at = Destination.objects.get(name="dead.test").next_attempt_at
    path = untold()[-1]
    row = waits(path)
    assert (row.source, row.state, row.reply, row.cause) == (
        "queue",
        "deferred",
        UNREACHED.reply,
        "no-connection",
    )
    assert (row.at, row.failures, row.tried_at, row.next_at) == (NOON, 2, NOON + 60 * MINUTE, next_at)
    assert wording.what_became(row) == "waits: the host for dead.test does not answer"
    timeline = read_timeline(f"Q{number}", EVERYTHING, now=NOON)
    assert timeline is not None
    assert {wording.what_became(each) for each in timeline.standing} == {wording.what_became(row)}
    assert path in [each.forward_path for each in timeline.standing]


def test_what_is_queued_while_it_is_left_alone_says_so_before_any_try() -> None:
    queue("first@dead.test")
    look_in_vain(minutes=0)
    queue("late@dead.test", now=NOON + MINUTE)
    row = waits("late@dead.test")
    assert (row.state, row.failures, row.tried_at) == ("deferred", 1, NOON)
    assert not Attempt.objects.filter(forward_path="late@dead.test").exists()


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Deferred("4.4.3", "No answer from the name servers"), "no host is found for dead.test"),
        (Deferred("4.7.5", "x"), "waits: with the host for dead.test no encryption came about as it must be"),
        (Deferred("4.3.0", "x"), "nothing can be brought to dead.test at the moment"),
    ],
)
def test_what_it_waits_for_is_said_as_far_as_it_is_known(outcome: Deferred, said: str) -> None:
    queue("bob@dead.test")
    look_in_vain(minutes=0, outcome=outcome)
    assert said in wording.what_became(waits("bob@dead.test"))


def test_what_is_held_or_waits_for_its_time_does_not_wait_for_the_host() -> None:
    queue("bob@dead.test")
    look_in_vain(minutes=0)
    for state in ("held", "waiting"):
        QueuedMessage.objects.get().recipients.update(state=state)
        row = waits("bob@dead.test")
        assert (row.state, row.failures) == (state, 0)


@pytest.fixture
def ann(client: Client) -> Account:
    ann = new_account("ann")
    client.force_login(ann)
    return ann


def test_the_pages_say_since_when_how_often_and_when_next(client: Client, ann: Account) -> None:
    number = queue(*(f"r{number}@dead.test" for number in range(MANY)), reverse_path=ann.login)
    QueuedMessage.objects.update(account=ann)
    for minutes in (0, 60):
        look_in_vain(minutes=minutes)
    Destination.objects.update(next_attempt_at=NOON + 95 * MINUTE)
    path = untold()[0]
    client.cookies["timezone"] = "UTC"
    listed = text_of(client, "/mail/deliveries/", q=path)
    assert "Waits: the host for dead.test does not answer" in listed
    way = text_of(client, "/mail/deliveries/message/", id=f"Q{number}")
    for words in ("tried 2 times, last", "next try", UNREACHED.reply):
        assert words in listed, words
        assert words in way, words
    mine = way[way.index(f">{path}<") :].partition("</li>")[0]
    for minutes in (0, 60, 95):
        assert f'datetime="{NOON + minutes * MINUTE:%Y-%m-%dT%H:%M}' in mine, minutes
    assert "does not answer</span>, since <time" in mine


def text_of(client: Client, path: str, **asked: str) -> str:
    answer = client.get(path, asked)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())
