"""Mail that is queued from two event loops' connections and from threads, while workers, routes and cleaning are at it:
nobody waits in a circle, and no destination sleeps over what waits for it."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.known_recipients import note_recipients
from delivery.models import Destination, OutboundRoute, QueuedRecipient, RouteChange
from delivery.queue import destination_outcomes, route_rules
from delivery.queue.claim import release_claim
from delivery.queue.cleaning import remove_finished
from delivery.queue.departures import Departure, Departures
from delivery.queue.destination_outcomes import bounce_waiting
from delivery.queue.outcomes import record
from delivery.queue.route_moves import due_here, move_waiting
from delivery.queue.rows import NewQueuedMessage, NewRecipient
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Delivered, Peer
from delivery.routes.making import RoutePlan, put_route, remove_route
from mailboxes.models import Account
from mailboxes.store.append import prepare_to_leave
from mailhost.net.store_threads import StoreThreads, close_store_threads
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all, queue
from tests.support.running import run

PEER = Peer("mx.test", "192.0.2.1", "")
CONTENT = prepare_to_leave(b"Subject: x\r\n\r\nx\r\n")
SENDERS = ("x@news.test", "x@b.test")


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "direct"
    for module in ("departures", "enqueue", "route_moves"):
        monkeypatch.setattr(f"delivery.queue.{module}.relay_is_due", lambda: None)
    monkeypatch.setattr("delivery.routes.making.routes_changed", lambda: None)
    monkeypatch.setattr(destination_outcomes, "BATCH", 3)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )
    OutboundRoute.objects.all().delete()
    RouteChange.objects.all().delete()
    route_rules.forget()


def some(random: Random) -> list[str]:
    return random.sample([f"d{number}.test" for number in range(6)], random.randint(1, 4))


def work() -> None:
    for number, claim in enumerate(claim_all().values()):
        due = due_here(claim=claim, limit=100, except_ids=[], now=NOON)
        if number == 5:
            bounce_waiting(claim=claim, outcome=Bounced("5.1.2", "No such domain.", PEER), now=NOON)
            continue
        sent = [
            RecipientResult(each.message, one, Delivered("250 ok", PEER))
            for each in due
            for one in each.recipients
        ]
        if sent:
            record(results={claim: sent}, now=NOON, random=Random(1))
        release_claim(claim=claim, was_reached=True, now=NOON)


def change_routes() -> None:
    for each in OutboundRoute.objects.all():
        remove_route(route_id=each.pk, by="op", now=NOON)
    plan = RoutePlan(name="news", smarthost="s.test", sending_domains=("news.test",))
    put_route(plan=plan, by="op", now=NOON)
    move_waiting(now=NOON)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_forgotten_and_nobody_locked_out(seed: int) -> None:
    alice: Account = new_account("alice")
    random, made = Random(seed), 0

    def known(domains: list[str]) -> list[str]:
        return [f"k{random.randint(0, 20)}@{each}" for each in domains]

    def add(number: int) -> None:
        nonlocal made
        domains = some(random)
        note_recipients([(alice.pk, each) for each in known(domains)])
        queue(*(f"q{number}@{each}" for each in domains), reverse_path=random.choice(SENDERS))
        made += len(domains)

    def departure(number: int) -> Departure:
        domains = some(random)
        recipients = [NewRecipient(f"r{number}@{each}") for each in domains]
        message = NewQueuedMessage(0, random.choice(SENDERS), 10, recipients=recipients, account_id=alice.pk)
        return Departure(CONTENT, message, known(domains))

    async def depart(departures: Departures) -> None:
        nonlocal made
        for number in range(60):
            leaving = [departure(number) for _ in range(random.randint(1, 5))]
            queued = await departures.queue(leaving, now=NOON)
            those = [each for each, ids in zip(leaving, queued, strict=True) if ids is not None]
            made += sum(len(each.message.all_recipients) for each in those)

    async def scenario() -> None:
        threads, loops = StoreThreads(4, "races"), [Departures(), Departures()]

        async def change() -> None:
            for _ in range(15):
                await threads.run(change_routes)
                await threads.run(remove_finished, now=NOON - timedelta(days=1))

        await asyncio.gather(
            *(depart(each) for each in loops),
            *(threads.run(add, number) for number in range(60)),
            *(threads.run(work) for _ in range(30)),
            change(),
        )
        for each in loops:
            await each.close()
        assert await threads.run(QueuedRecipient.objects.count) == made
        asleep = Destination.objects.filter(next_attempt_at=None)
        assert not await threads.run(asleep.filter(recipients__state__in=("queued", "deferred")).exists)
        threads.close()
        close_store_threads()

    run(scenario())
    assert made > 200
