"""Transactions that overlap: what is added to a destination just as it is put to rest is not forgotten."""

import asyncio
import threading

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from delivery.models import Destination
from delivery.queue import cleaning
from delivery.queue.claim import release_claim
from delivery.queue.cleaning import remove_finished
from mailhost.net.store_threads import StoreThreads
from tests.support.queueing import NOON, claim_all, queue
from tests.support.racing import both
from tests.support.running import run


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


class Slow:
    """A transaction that has queued a message and does not commit yet."""

    def __init__(self) -> None:
        self.queued, self.may_commit = threading.Event(), threading.Event()

    def __call__(self, forward_path: str) -> None:
        with transaction.atomic():
            queue(forward_path)
            self.queued.set()
            assert self.may_commit.wait(10)


def test_what_is_added_while_a_destination_is_put_to_rest_wakes_it() -> None:
    async def scenario() -> None:
        threads, slow = StoreThreads(3, "races"), Slow()
        await threads.run(queue, "first@far.test")
        claim = (await threads.run(claim_all))["far.test"]
        await threads.run(rid_of_everything)
        adding = asyncio.create_task(threads.run(slow, "second@far.test"))
        await asyncio.to_thread(slow.queued.wait, 10)
        resting = asyncio.create_task(threads.run(release_claim, claim=claim, was_reached=True, now=NOON))
        done, _ = await asyncio.wait({resting}, timeout=0.3)
        assert not done  # it waits for what is being added
        slow.may_commit.set()
        await asyncio.gather(adding, resting)
        destination = await threads.run(Destination.objects.get)
        assert (destination.next_attempt_at, destination.claim_token) == (NOON, None)
        threads.close()

    run(scenario())


def rid_of_everything() -> None:
    """As if all that waited had been delivered."""
    with connection.cursor() as sql:
        sql.execute("UPDATE delivery_queuedrecipient SET state = 'delivered'")


def test_a_destination_can_be_claimed_while_mail_is_added_to_it() -> None:
    async def scenario() -> None:
        threads, slow = StoreThreads(3, "races"), Slow()
        await threads.run(queue, "first@far.test")
        adding = asyncio.create_task(threads.run(slow, "second@far.test"))
        await asyncio.to_thread(slow.queued.wait, 10)
        assert set(await threads.run(claim_all)) == {"far.test"}
        slow.may_commit.set()
        await adding
        threads.close()

    run(scenario())


def test_many_writers_and_workers_at_once_forget_nothing_and_lock_nobody_out() -> None:
    async def scenario() -> None:
        threads = StoreThreads(6, "races")

        def add(number: int) -> None:
            queue(*(f"r{number}@d{(number + each) % 5}.test" for each in (0, 3, 1)))

        def claim_and_release(_: int) -> None:
            for claim in claim_all().values():
                release_claim(claim=claim, was_reached=True, now=NOON)

        await asyncio.gather(
            *(threads.run(add if number % 2 else claim_and_release, number) for number in range(120))
        )
        awake = await threads.run(
            lambda: Destination.objects.filter(next_attempt_at=NOON, claim_token=None).count()
        )
        assert awake == 5
        threads.close()

    run(scenario())


def test_cleaning_waits_for_nobody_who_adds_to_a_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 2)
    names = [f"d{number}.test" for number in range(7)]
    Destination.objects.bulk_create(Destination(name=name) for name in names)

    def add() -> None:
        queue("x@d1.test")

    def clean() -> None:
        with connection.cursor() as sql:
            sql.execute("SET lock_timeout = 100")
        remove_finished(now=NOON)

    assert both(add, clean) == [None, None]
    assert Destination.objects.get().name == "d1.test"
