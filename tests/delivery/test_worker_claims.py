"""Several workers, and those that die: what one has claimed nobody else sends, until its lease is over."""

import asyncio
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from delivery.models import Destination
from delivery.queue import claim
from delivery.relay.connection import Timeouts
from mailhost.net.store_threads import in_store
from tests.delivery.test_worker import bench, queue_leads_out
from tests.support.queueing import NOON, claim_all, queue, state, until_idle
from tests.support.running import run

__all__ = ["queue_leads_out"]


def test_two_workers_at_once_send_each_message_once(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server(*(f"d{n}.test" for n in range(8))) as sink:
            for number in range(40):
                await in_store(queue, f"r{number}@d{number % 8}.test")
            workers = [b.worker() for _ in range(2)]
            await asyncio.gather(*(worker.round() for worker in workers))
            await asyncio.gather(*(until_idle(worker) for worker in workers))
            assert sorted(each.forward_paths[0] for each in sink.received) == sorted(
                f"r{number}@d{number % 8}.test" for number in range(40)
            )
            for worker in workers:
                await worker.close()

    run(scenario())


def test_what_a_killed_worker_had_claimed_is_sent_by_another_when_the_lease_is_over(
    settings: Settings,
) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(queue, "bob@far.test")
            await in_store(claim_all, now=b.now)  # and was killed then
            await b.work(minutes=1)
            assert sink.received == []
            await b.work(minutes=0.5)
            assert len(sink.received) == 1

    run(scenario())


def test_a_worker_whose_claim_went_to_another_writes_nothing(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.gate = asyncio.Event()
            await in_store(queue, "bob@far.test")
            slow = b.worker(timeouts=Timeouts())
            await slow.round()
            await sink.at_gate.wait()
            b.now += timedelta(seconds=91)  # its heart has stopped, as it seems
            other = (await in_store(claim_all, now=b.now))["far.test"]
            sink.gate.set()
            await sink.wait_for(1)
            await until_idle(slow)
            assert await in_store(state, "bob@far.test") == "queued"
            assert (await in_store(Destination.objects.get)).claim_token == other.token
            await slow.close()

    run(scenario())


def test_a_heartbeat_keeps_the_claim_of_a_slow_conversation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOON + timedelta(minutes=1)
    renewed = threading.Event()

    def renew_claims(**words: Any) -> set[UUID]:
        own = claim.renew_claims(**words)
        if words["now"] == later:
            renewed.set()
        return own

    async def scenario() -> None:
        settings.QUEUE_LEASE_SECONDS = 0.3
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.gate = asyncio.Event()
            await in_store(queue, "bob@far.test")
            worker = b.worker(timeouts=Timeouts())
            await worker.round()
            await sink.at_gate.wait()
            b.now = later
            assert await asyncio.to_thread(renewed.wait, 5)
            assert await in_store(claim_all, now=b.now) == {}
            sink.gate.set()
            await until_idle(worker)
            assert await in_store(state, "bob@far.test") == "delivered"
            await worker.close()

    monkeypatch.setattr(
        "delivery.worker.claims", SimpleNamespace(**{**vars(claim), "renew_claims": renew_claims})
    )
    run(scenario())


def test_what_comes_for_a_destination_that_is_being_sent_to_needs_no_notice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: told.append("relay_due"))

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test", "near.test") as sink:
            sink.gate = asyncio.Event()
            await in_store(queue, "bob@far.test")
            assert len(told) == 1
            worker = b.worker(timeouts=Timeouts())
            await worker.round()
            await sink.at_gate.wait()
            await in_store(queue, "carol@far.test")
            assert len(told) == 1
            await in_store(queue, "dave@near.test", "erin@far.test")  # one of them nobody sends to
            assert len(told) == 2
            sink.gate.set()
            await until_idle(worker)
            assert await in_store(state, "carol@far.test") == "delivered"
            assert await in_store(state, "dave@near.test") == "delivered"
            b.now += timedelta(hours=1)
            await in_store(queue, "frank@far.test", now=b.now)
            assert len(told) == 3
            await worker.close()

    run(scenario())


def test_a_claim_that_has_run_out_is_nobodys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def scenario() -> None:
        async with bench(settings):
            await in_store(queue, "bob@far.test")
            await in_store(claim_all, lease_seconds=90)
            monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: told.append("relay_due"))
            await in_store(queue, "carol@far.test", now=NOON + timedelta(seconds=89))
            assert not told
            await in_store(queue, "dave@far.test", now=NOON + timedelta(seconds=90))
            assert told

    run(scenario())


def test_a_worker_that_is_closed_gives_its_claims_back(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.gate = asyncio.Event()
            await in_store(queue, "bob@far.test")
            worker = b.worker(timeouts=Timeouts())
            await worker.round()
            await sink.at_gate.wait()
            await worker.close()
            assert (await in_store(Destination.objects.get)).claim_token is None
            sink.gate = None
            await b.work()
            assert len(sink.received) >= 1

    run(scenario())
