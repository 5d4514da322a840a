"""What an operator does to the queue by filter, also while it is being sent."""

import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.models import Attempt, Destination, QueuedMessage, QueuedRecipient, Suppression
from delivery.queue import filtering, verbs
from delivery.queue.claim import due_parcels, release_claim
from delivery.queue.destination_outcomes import bounce_waiting
from delivery.queue.filtering import QueueFilter
from delivery.queue.outcomes import record
from delivery.queue.values import Claim, RecipientResult
from delivery.queue.verbs import Order, Run, Verb
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from mailhost.audit.models import Act
from tests.support.queueing import NOON, claim_all, queue, state

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PEER = Peer("mx.far.test", "192.0.2.1", "TLSv1.3 X")
DELIVERED, DEFERRED = Delivered("250 ok", PEER), Deferred("4.2.1", "421 busy", PEER)
BOUNCED = Bounced("5.1.1", "550 nobody", PEER)


@pytest.fixture(autouse=True)
def quiet(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    monkeypatch.setattr("delivery.queue.verbs.relay_is_due", lambda: None)


def order(verb: Verb | str) -> Order:
    verb = Verb(verb)
    until = NOON + 60 * MINUTE if verb is Verb.DEFER else None
    return Order(verb=verb, until=until, to="other.test" if verb is Verb.REDIRECT else "")


def do(verb: Verb | str, **asked: Any) -> Run:
    """All batches; where it ends."""
    told, meant = order(verb), QueueFilter(**asked)
    run = verbs.begin(order=told, asked=meant)
    while not run.is_over:
        run = verbs.advance(order=told, asked=meant, run=run, by="op", now=NOON)
    return run


def fetch(claim: Claim) -> list[RecipientResult]:
    """What a look has in its hands now."""
    parcels = due_parcels(claim=claim, limit=100, except_ids=[], now=NOON)
    return [RecipientResult(each.message, one, DELIVERED) for each in parcels for one in each.recipients]


def write(claim: Claim, sent: Sequence[RecipientResult], outcome: Outcome) -> None:
    results = [RecipientResult(each.message, each.recipient, outcome) for each in sent]
    record(results={claim: results}, now=NOON, random=Random(1))


def test_hold_by_domain_keeps_it_here_until_it_is_released() -> None:
    queue("bob@far.test", "carol@near.test")
    assert do("hold", domain="FAR.test").changed == 1
    assert [each.recipient.forward_path for claim in claim_all().values() for each in fetch(claim)] == [
        "carol@near.test"
    ]
    assert do("release", next_hop="far.test").changed == 1
    assert state("bob@far.test") == "queued"


def test_each_act_is_in_the_audit_trail_with_filter_and_count() -> None:
    queue("bob@far.test", "carol@far.test")
    do("hold", sender="Alice@Elsewhere.test")
    act = Act.objects.get(verb="queue hold")
    assert (act.actor, act.subject, act.details["count"]) == ("op", "Alice@Elsewhere.test", 2)
    assert act.details["filter"]["sender"] == "Alice@Elsewhere.test"


def test_a_bounce_is_told_and_a_cancel_is_not() -> None:
    queue("bob@far.test", "carol@near.test")
    assert do("bounce", recipient="bob@far.test").changed == 1
    assert do("cancel", recipient="carol@near.test").changed == 1
    bob, carol = QueuedRecipient.objects.order_by("pk")
    assert (bob.state, bob.report_due, bob.last_status, bob.finished_at) == (
        "bounced",
        "failed",
        "5.7.0",
        NOON,
    )
    assert (carol.state, carol.report_due, carol.finished_at) == ("cancelled", "", NOON)
    told = Attempt.objects.order_by("id").values_list("recipient_id", "outcome")
    assert list(told) == [(bob.pk, "bounced"), (carol.pk, "cancelled")]


def test_nobody_is_told_where_the_reverse_path_is_null_or_asked_for_nothing() -> None:
    queue("bob@far.test", reverse_path="")
    queue("carol@far.test")
    QueuedRecipient.objects.filter(forward_path="carol@far.test").update(notify="NEVER")
    assert do("bounce").changed == 2
    assert not QueuedRecipient.objects.exclude(report_due="").exists()


def test_retry_wakes_even_a_destination_that_fails() -> None:
    queue("bob@far.test")
    Destination.objects.update(failures=3, next_attempt_at=NOON + 90 * MINUTE)
    QueuedRecipient.objects.update(state="deferred", next_attempt_at=NOON + 90 * MINUTE)
    assert not claim_all()
    do("retry", next_hop="far.test")
    [claim] = claim_all().values()
    assert len(fetch(claim)) == 1


def test_defer_puts_off_until_the_moment_that_was_named() -> None:
    queue("bob@far.test")
    do("defer")
    claim = claim_all()["far.test"]
    assert fetch(claim) == []
    release_claim(claim=claim, was_reached=True, now=NOON)
    assert set(claim_all(now=NOON + 59 * MINUTE)) == set()
    assert set(claim_all(now=NOON + 60 * MINUTE)) == {"far.test"}


def test_what_is_put_off_beyond_its_time_has_its_whole_time_again() -> None:
    old, young = queue("bob@far.test"), queue("carol@far.test")
    QueuedMessage.objects.filter(pk=old).update(expires_at=NOON + 30 * MINUTE)
    before = QueuedMessage.objects.get(pk=young).expires_at
    do("defer")
    until = NOON + 60 * MINUTE
    assert QueuedMessage.objects.get(pk=young).expires_at == before
    assert QueuedMessage.objects.get(pk=old).expires_at == until + timedelta(days=5)
    claim = claim_all(now=until)["far.test"]
    sent = [
        RecipientResult(each.message, one, DEFERRED)
        for each in due_parcels(claim=claim, limit=100, except_ids=[], now=until)
        for one in each.recipients
    ]
    record(results={claim: sent}, now=until, random=Random(1))
    assert (state("bob@far.test"), state("carol@far.test")) == ("deferred", "deferred")


def test_redirect_leads_to_another_destination_and_wakes_it() -> None:
    queue("bob@far.test")
    assert do("redirect", next_hop="far.test").changed == 1
    claims = claim_all()
    assert [each.recipient.forward_path for each in fetch(claims["other.test"])] == ["bob@far.test"]
    assert fetch(claims["far.test"]) == []


NOWHERE = Bounced("5.1.2", "There is no domain other.test.")


def test_what_was_redirected_to_nowhere_waits_to_be_redirected_again() -> None:
    queue("bob@far.test", "carol@other.test")
    do("redirect", recipient="bob@far.test")
    claims = claim_all()
    assert bounce_waiting(claim=claims["other.test"], outcome=NOWHERE, now=NOON).has_reports
    release_claim(claim=claims["far.test"], was_reached=True, now=NOON)
    assert (state("bob@far.test"), state("carol@other.test")) == ("deferred", "bounced")
    row = QueuedRecipient.objects.get(forward_path="bob@far.test")
    assert (row.report_due, row.cause, row.finished_at) == ("", "set-up", None)
    assert row.last_reply.startswith("There is no domain other.test. Mail was redirected there")
    hop = Destination.objects.get(name="other.test")
    assert (hop.failures, hop.last_reply, hop.claim_token) == (1, row.last_reply, None)
    assert hop.next_attempt_at is not None
    assert hop.next_attempt_at > NOON
    assert not Suppression.objects.exists()

    back, asked = Order(verb=Verb.REDIRECT, to="far.test"), QueueFilter(next_hop="other.test")
    verbs.advance(order=back, asked=asked, run=verbs.begin(order=back, asked=asked), by="op", now=NOON)
    assert [each.recipient.forward_path for each in fetch(claim_all()["far.test"])] == ["bob@far.test"]


def test_what_was_redirected_to_nowhere_comes_back_when_its_time_is_over() -> None:
    queue("bob@far.test")
    do("redirect")
    later = NOON + timedelta(days=10)
    bounce_waiting(claim=claim_all(now=later)["other.test"], outcome=NOWHERE, now=later)
    row = QueuedRecipient.objects.get()
    assert (row.state, row.report_due) == ("expired", "failed")


def test_what_was_redirected_back_is_its_own_domains_again() -> None:
    queue("bob@other.test")
    QueuedRecipient.objects.update(redirected_from="other.test")
    bounce_waiting(claim=claim_all()["other.test"], outcome=NOWHERE, now=NOON)
    assert state("bob@other.test") == "bounced"


@pytest.mark.parametrize("verb", ["bounce", "redirect"])
def test_what_may_be_in_the_middle_of_being_sent_is_neither_bounced_nor_redirected(verb: str) -> None:
    queue("bob@far.test")
    claim = claim_all()["far.test"]
    sent = fetch(claim)
    assert (do(verb).changed, do(verb).busy) == (0, 1)
    assert (do("hold").changed, do(verb).busy) == (1, 1)
    write(claim, sent, DELIVERED)
    release_claim(claim=claim, was_reached=True, now=NOON)
    assert state("bob@far.test") == "delivered"
    assert do(verb) == Run(0)


@pytest.mark.parametrize(("verb", "becomes"), [("hold", "held"), ("cancel", "cancelled")])
def test_what_was_held_or_cancelled_while_it_was_sent_is_delivered_if_it_was(verb: str, becomes: str) -> None:
    queue("bob@far.test", "carol@far.test", "dan@far.test")
    claim = claim_all()["far.test"]
    bob, carol, dan = fetch(claim)
    do(verb)
    write(claim, [bob], DELIVERED)
    write(claim, [carol], DEFERRED)
    write(claim, [dan], BOUNCED)
    assert [state(f"{name}@far.test") for name in ("bob", "carol", "dan")] == ["delivered", becomes, becomes]
    assert not QueuedRecipient.objects.exclude(report_due="").exists()


def test_what_comes_later_is_not_meant_and_a_run_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verbs, "BATCH", 2)
    queue(*(f"r{number}@far.test" for number in range(5)))
    told, asked = order("hold"), QueueFilter()
    run = verbs.begin(order=told, asked=asked)
    queue("later@far.test")
    run = verbs.advance(order=told, asked=asked, run=run, by="op", now=NOON)
    assert (run.changed, run.is_over) == (2, False)
    kept = Run(run.last_id, run.after_id)  # as after a crash: all that somebody has written down
    while not kept.is_over:
        kept = verbs.advance(order=told, asked=asked, run=kept, by="op", now=NOON)
    assert (kept.changed, state("later@far.test")) == (3, "queued")
    assert [act.details["count"] for act in Act.objects.filter(verb="queue hold").order_by("pk")] == [2, 2, 1]


def test_thousands_take_no_more_statements_than_one() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            do("hold")
        do("release")
        return len(asked)

    queue("first@far.test")
    one = statements()
    queue(*(f"r{number}@far.test" for number in range(900)))
    assert statements() == one


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"states": ("deferred",)}, {"bob"}),
        ({"sender": "<>"}, {"carol"}),
        ({"recipient": "BOB@far.test"}, {"bob"}),
        ({"domain": "far.test"}, {"bob"}),
        ({"domain": "ar.test"}, set()),
        ({"next_hop": "near.test"}, {"carol"}),
        ({"reply": "100%_full"}, {"bob"}),
        ({"reply": "100_"}, set()),
        ({"reply": "NO ROUTE"}, {"carol"}),
        ({"reply": "\0full"}, {"bob"}),
        ({"before": NOON + MINUTE}, {"bob"}),
        ({"since": NOON + MINUTE}, {"carol"}),
        ({"account": "nobody@x.test"}, set()),
        ({"sent_from": ()}, set()),
        ({"ids": (0,)}, set()),
    ],
)
@pytest.mark.parametrize("most", [10_000, 0])  # sorted, or met on the way from the latest
def test_filters(asked: dict[str, Any], found: set[str], most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "FIRST_STEP", 1)
    queue("bob@far.test")
    queue("carol@near.test", reverse_path="", now=NOON + 2 * MINUTE)
    queue("done@near.test", now=NOON + MINUTE)
    QueuedRecipient.objects.filter(forward_path="done@near.test").update(state="delivered")
    QueuedRecipient.objects.filter(forward_path="bob@far.test").update(
        state="deferred", last_reply="100%_Full"
    )
    Destination.objects.filter(name="near.test").update(failures=1, last_reply="No route to host")
    with monkeypatch.context() as patch:
        patch.setattr(filtering, "MAX_COUNT", most)
        rows = filtering.page(QueueFilter(**asked), limit=10)
    assert {each.forward_path.partition("@")[0] for each in rows} == found
    assert filtering.count(QueueFilter(**asked)).count == len(found)


def test_pages_of_many_come_in_order_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    queue(*(f"r{number}@far.test" for number in range(9)), "bob@near.test")
    monkeypatch.setattr(filtering, "MAX_COUNT", 2)
    monkeypatch.setattr(filtering, "FIRST_STEP", 2)
    asked, seen, before = QueueFilter(domain="far.test"), list[int](), None
    while rows := filtering.page(asked, limit=4, older_than=before):
        seen += [row.pk for row in rows]
        before = seen[-1]
    assert len(seen) == 9
    assert seen == sorted(seen, reverse=True)


def test_a_preview_says_how_many_how_old_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    queue("bob@far.test", "carol@far.test", "dan@near.test")
    do("hold", recipient="bob@far.test")
    seen = filtering.preview(QueueFilter())
    assert (str(seen.total), seen.oldest) == ("3", NOON)
    assert dict(seen.by_state) == {"queued": 2, "held": 1}
    assert seen.by_next_hop == ((("far.test", ""), 2), (("near.test", ""), 1))
    assert len(seen.sample) == 3
    monkeypatch.setattr(filtering, "MAX_COUNT", 2)
    assert str(filtering.preview(QueueFilter()).total) == "more than 2"


def test_a_domain_is_found_wherever_its_mail_was_led_and_nothing_else_there() -> None:
    queue("bob@far.test", "carol@other.test")
    do("redirect", recipient="bob@far.test")
    queue("dan@far.test")
    found = {each.forward_path for each in filtering.page(QueueFilter(domain="FAR.test"), limit=10)}
    assert found == {"bob@far.test", "dan@far.test"}
    [carol] = filtering.page(QueueFilter(domain="other.test"), limit=10)
    assert carol.forward_path == "carol@other.test"
    assert filtering.page(QueueFilter(domain="nowhere.test"), limit=10) == []


def test_what_is_for_accounts_here_is_found_by_its_domain() -> None:
    queue("bob@here.test", "carol@far.test")
    local = Destination.objects.create(name="")
    QueuedRecipient.objects.filter(forward_path="bob@here.test").update(destination=local, state="waiting")
    [bob] = filtering.page(QueueFilter(domain="here.test"), limit=10)
    assert bob.forward_path == "bob@here.test"


@pytest.mark.parametrize("verb", ["cancel", "bounce"])
def test_a_message_of_which_nothing_waits_any_more_has_no_time_to_leave(verb: str) -> None:
    message_id = queue("bob@far.test", "carol@far.test")
    QueuedMessage.objects.update(release_at=NOON + MINUTE)
    QueuedRecipient.objects.update(state="waiting", next_attempt_at=NOON + MINUTE)
    do(verb, recipient="bob@far.test")
    assert QueuedMessage.objects.get(pk=message_id).release_at == NOON + MINUTE
    do(verb)
    assert QueuedMessage.objects.get(pk=message_id).release_at is None


def test_a_filter_comes_back_whole_from_what_it_told() -> None:
    asked = QueueFilter(
        ids=(1, 2), states=("held",), reply="x", before=NOON, sent_from=("a.test",), held_by=("operator",)
    )
    assert QueueFilter.of(json.loads(json.dumps(asked.told()))) == asked
    assert QueueFilter.of(json.loads(json.dumps(QueueFilter(sent_from=()).told()))).sent_from == ()


def test_an_order_is_whole_or_none() -> None:
    for wrong in ({"verb": Verb.DEFER}, {"verb": Verb.REDIRECT}, {"verb": Verb.HOLD, "to": "x.test"}):
        with pytest.raises(ValueError, match="belongs to"):
            Order(**wrong)
    with pytest.raises(ValueError, match="nothing in these states"):
        verbs.begin(order=order("release"), asked=QueueFilter(states=("queued",)))


STEPS = st.lists(
    st.sampled_from([*Verb, "claim", "deliver", "bounced", "deferred", "rest"]), min_size=1, max_size=14
)
FINAL = {"delivered", "bounced", "cancelled", "expired"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_in_whatever_order_nothing_is_sent_twice_or_lost(steps: list[str]) -> None:
    with transaction.atomic():
        QueuedRecipient.objects.all().delete()
        QueuedMessage.objects.all().delete()
        Destination.objects.all().delete()
        queue("bob@far.test")
        claims: list[Claim] = []
        flying: dict[Claim, list[RecipientResult]] = {}
        arrived, told = 0, 0
        for step in steps:
            before = state("bob@far.test")
            if step == "claim":
                claims += claim_all().values()
                flying |= {claim: fetch(claim) for claim in claims if claim not in flying}
                assert sum(len(sent) for sent in flying.values()) <= 1  # in no two workers' hands
            elif step in ("deliver", "bounced", "deferred"):
                outcomes: dict[str, Outcome] = {
                    "deliver": DELIVERED,
                    "bounced": BOUNCED,
                    "deferred": DEFERRED,
                }
                for claim in [each for each in claims if flying[each]]:
                    write(claim, flying[claim], outcomes[step])
                    flying[claim] = []
                    arrived += step == "deliver"
            elif step == "rest":
                for claim in [each for each in claims if not flying[each]]:
                    release_claim(claim=claim, was_reached=True, now=NOON)
                    claims.remove(claim)
                    del flying[claim]
            else:
                do(step)
            after = state("bob@far.test")
            told += before != after == "bounced"
            if before in FINAL and after != before:
                assert (before, after, step) == ("cancelled", "delivered", "deliver")
        assert arrived <= 1
        assert (state("bob@far.test") == "delivered") == (arrived == 1)
        assert told + arrived <= 1
