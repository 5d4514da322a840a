"""Verbs over the queue in transactions that overlap: with each other, with new mail and with workers."""

import asyncio
import threading
from random import Random

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from delivery.models import QueuedRecipient
from delivery.queue import verbs
from delivery.queue.claim import due_parcels, release_claim
from delivery.queue.filtering import QueueFilter
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.queue.verbs import Order, Run, Verb
from delivery.relay.outcome import Delivered, Peer
from mailhost.audit.models import Act
from mailhost.net.store_threads import StoreThreads
from tests.support.queueing import NOON, claim_all, queue
from tests.support.running import run


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    monkeypatch.setattr("delivery.queue.verbs.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )
        sql.execute("DELETE FROM audit_act WHERE verb LIKE 'queue %'")


def do(verb: Verb, to: str = "") -> Run:
    order, asked = Order(verb=verb, to=to), QueueFilter()
    done = verbs.begin(order=order, asked=asked)
    while not done.is_over:
        done = verbs.advance(order=order, asked=asked, run=done, by="op", now=NOON)
    return done


def test_what_another_transaction_holds_is_left_alone_and_counted() -> None:
    async def scenario() -> None:
        threads = StoreThreads(2, "races")
        locked, may_go = threading.Event(), threading.Event()

        def keep_one() -> None:
            with transaction.atomic():
                QueuedRecipient.objects.select_for_update(no_key=True).get(forward_path="bob@far.test")
                locked.set()
                assert may_go.wait(10)

        await threads.run(queue, "bob@far.test", "carol@far.test")
        keeping = asyncio.create_task(threads.run(keep_one))
        await asyncio.to_thread(locked.wait, 10)
        done = await threads.run(do, Verb.CANCEL)
        may_go.set()
        await keeping
        assert (done.changed, done.busy) == (1, 1)
        assert (await threads.run(do, Verb.CANCEL)).changed == 1
        threads.close()

    run(scenario())


def test_two_verbs_at_once_divide_the_queue_between_them() -> None:
    async def scenario() -> None:
        threads = StoreThreads(4, "races")
        await threads.run(queue, *(f"r{number}@d{number % 7}.test" for number in range(300)))
        both = [Verb.BOUNCE, Verb.CANCEL] * 2
        runs = await asyncio.gather(*(threads.run(do, verb) for verb in both))
        runs.append(await threads.run(do, Verb.CANCEL))  # what two of them had in their hands
        assert sum(each.changed for each in runs) == 300
        counted = await threads.run(
            lambda: sum(act.details["count"] for act in Act.objects.filter(verb__startswith="queue "))
        )
        assert counted == 300
        threads.close()

    run(scenario())


def test_verbs_new_mail_and_workers_at_once_send_each_once_and_forget_none() -> None:
    async def scenario() -> None:
        threads = StoreThreads(6, "races")
        sent: list[int] = []
        delivered = Delivered("250 ok", Peer("mx.test", "192.0.2.1", ""))

        def work() -> None:
            for claim in claim_all().values():
                parcels = due_parcels(claim=claim, limit=100, except_ids=[], now=NOON)
                results = [
                    RecipientResult(each.message, one, delivered)
                    for each in parcels
                    for one in each.recipients
                ]
                sent.extend(each.recipient.recipient_id for each in results)
                record(results={claim: results}, now=NOON, random=Random(1))
                release_claim(claim=claim, was_reached=True, now=NOON)

        def act(number: int) -> None:
            match number % 5:
                case 0:
                    queue(*(f"r{number}@d{(number + each) % 5}.test" for each in (0, 3, 1)))
                case 1 | 2:
                    work()
                case 3:
                    do(Verb.REDIRECT, to=f"d{number % 3}.test")
                case _:
                    do(Verb.HOLD if number % 2 else Verb.RELEASE)

        await asyncio.gather(*(threads.run(act, number) for number in range(150)))
        await threads.run(do, Verb.RELEASE)
        await threads.run(work)
        assert len(sent) == len(set(sent)) == 90
        left = await threads.run(lambda: QueuedRecipient.objects.exclude(state="delivered").count())
        assert left == 0
        threads.close()

    run(scenario())
