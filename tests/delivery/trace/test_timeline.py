"""One message from its arrival to the last notice about it, as each who has to do with it may see it."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery import trace
from delivery.models import Attempt, QueuedMessage, QueuedRecipient
from delivery.trace.asking import EVERYTHING, Scope
from delivery.trace.timeline import Timeline, key_of, read_timeline
from mailboxes.models import Account
from tests.delivery.trace.test_searching import NOTED, queued
from tests.support.hosting import new_account
from tests.support.tracing import FAR, MINUTE, sent_message

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
ID = "<trip@here.test>"


@pytest.fixture
def ann(db: None) -> Account:
    return new_account("ann")


@pytest.fixture
def bob(db: None) -> Account:
    return new_account("bob")


def own(account: Account) -> Scope:
    return Scope(account_id=account.pk, login=account.login)


def domain_of(account: Account) -> Scope:
    return Scope(domains=(account.login.partition("@")[2],))


def told(timeline: Timeline | None) -> list[tuple[str, str]]:
    assert timeline is not None
    return [(step.row.state, ",".join(step.forward_paths)) for step in timeline.steps]


def test_it_is_told_from_the_first_to_the_last(ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    whole = [
        ("junk", bob.login),
        ("relayed", FAR),
        ("deferred", FAR),
        ("bounced", FAR),
        ("reported", FAR),
    ]
    for key in (ID, "trip@here.test", f"7ace{ann.pk}", f"Q{number}", f" q{number} "):
        assert told(read_timeline(key, EVERYTHING, now=NOW)) == whole, key
    timeline = read_timeline(ID, EVERYTHING, now=NOW)
    assert timeline is not None
    assert (timeline.message_id, timeline.reverse_paths) == (ID, (ann.login,))
    assert timeline.forward_paths == (bob.login, FAR)
    [judged] = timeline.judgements
    assert (judged.login, judged.score, judged.findings) == (
        bob.login,
        6.5,
        (("It promises money for nothing.", 6.5),),
    )


def test_its_sender_sees_all_but_what_the_filter_said_to_another(ann: Account, bob: Account) -> None:
    sent_message(ann, here=bob, now=NOW)
    for scope in (own(ann), domain_of(ann)):
        timeline = read_timeline(ID, scope, now=NOW)
        assert told(timeline)[:2] == [("accepted", bob.login), ("relayed", FAR)]
        assert len(told(timeline)) == 5
        assert timeline is not None
        assert timeline.judgements == ()


def test_its_recipient_sees_what_came_to_him_and_why_it_is_where_it_is(ann: Account, bob: Account) -> None:
    sent_message(ann, here=bob, now=NOW)
    for scope in (own(bob), domain_of(bob)):
        timeline = read_timeline(ID, scope, now=NOW)
        assert told(timeline) == [("junk", bob.login)]
        assert timeline is not None
        assert timeline.forward_paths == (bob.login,)
        assert [each.login for each in timeline.judgements] == [bob.login]


def test_nobody_else_learns_that_there_is_such_a_message(ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    eve = new_account("eve")
    for scope in (own(eve), domain_of(eve), Scope()):
        for key in (ID, f"7ace{ann.pk}", f"Q{number}", ann.login):
            assert read_timeline(key, scope, now=NOW) is None


@pytest.mark.parametrize("key", ["", " ", "\0", "Q", "here.test", "192.0.2.44", "5e55107", "nothing", "<>"])
def test_what_names_no_message_leads_to_none(ann: Account, bob: Account, key: str) -> None:
    sent_message(ann, here=bob, now=NOW)
    assert read_timeline(key, EVERYTHING, now=NOW) is None


def test_where_it_stands_is_told_apart(ann: Account, bob: Account) -> None:
    sent_message(ann, here=bob, now=NOW)
    next_at = NOW + 25 * MINUTE
    QueuedRecipient.objects.update(state="deferred", finished_at=None, next_attempt_at=next_at)
    timeline = read_timeline(ID, own(ann), now=NOW)
    assert timeline is not None
    assert [(row.state, row.forward_path, row.next_at) for row in timeline.standing] == [
        ("deferred", FAR, next_at)
    ]


def test_it_is_told_when_the_queue_has_forgotten_it(ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    QueuedMessage.objects.all().delete()
    assert len(told(read_timeline(f"Q{number}", own(ann), now=NOW))) == 5


def test_a_message_without_a_name_is_told_by_the_id_that_it_was_given(ann: Account) -> None:
    trace.write(
        [trace.Noted(**{name: getattr(NOTED, name) for name in NOTED.__slots__} | {"message_id": ""})]
    )
    row = queued("x@far.test", message_id="")
    Attempt.objects.create(recipient=row, queue_id=row.message_id, at=NOW, outcome="held")
    assert told(read_timeline("00000000000000bb", EVERYTHING, now=NOW)) == [("accepted", "bob@here.test")]
    timeline = read_timeline(f"Q{row.message_id}", EVERYTHING, now=NOW)
    assert timeline is not None
    assert told(timeline) == [("held", "")]
    assert key_of(timeline.steps[0].row) == f"Q{row.message_id}"


def test_what_happens_to_many_at_once_is_one_step() -> None:
    many = [f"r{number}@far.test" for number in range(20)]
    for number, path in enumerate(many):
        Attempt.objects.create(
            recipient_id=number,
            queue_id=1,
            at=NOW + timedelta(0),
            outcome="delivered",
            forward_path=path,
            host="mx.far.test",
            address="192.0.2.1",
            message_id=ID,
        )
    assert told(read_timeline(ID, EVERYTHING, now=NOW)) == [("delivered", ",".join(many))]
