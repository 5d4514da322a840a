"""No next hop keeps another one waiting: turns, places at a host that many domains share, and what is remembered."""

import asyncio

import pytest
from pytest_django import Settings

from delivery.models import Destination
from delivery.relay.host_room import HostRoom
from mailhost.net.store_threads import in_store
from tests.delivery.test_worker import bench, queue_leads_out
from tests.support.queueing import queue, until_idle
from tests.support.running import run

__all__ = ["queue_leads_out"]


def test_a_destination_with_much_waiting_gives_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("big.test", "small.test") as sink:
            for number in range(12):
                await in_store(queue, f"r{number}@big.test")
            await in_store(queue, "bob@small.test")
            await b.work(minutes=1)
            order = [each.forward_paths[0] for each in await sink.wait_for(13)]
            assert order.index("bob@small.test") == 3  # one turn of three, not all twelve

    monkeypatch.setattr("delivery.supply.MESSAGES_PER_LOOK", 3)
    monkeypatch.setattr("delivery.worker.MAX_LOOKS", 1)
    run(scenario())


def test_domains_of_one_host_share_its_places_and_all_are_served(settings: Settings) -> None:
    async def scenario() -> None:
        names = [f"d{number}.test" for number in range(6)]
        async with bench(settings) as b, b.server(*names) as sink:
            for name in names:
                await in_store(queue, f"bob@{name}")
            await b.work()
            assert len(await sink.wait_for(6)) == 6
            assert sink.most_open <= 2  # one that says good-bye may still be there

    settings.RELAY_CONNECTIONS_PER_HOST = 1
    run(scenario())


def test_who_waits_for_more_gives_the_host_to_who_has_something_for_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RELAY_CONNECTIONS_PER_HOST = 1
    monkeypatch.setattr("delivery.supply.FETCHED_RECIPIENTS", 1)
    monkeypatch.setattr("delivery.supply.LINGER_SECONDS", 0.01)
    monkeypatch.setattr("delivery.supply.LINGERS", 1_000_000)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test", "near.test") as sink:
            for number in range(2):
                await in_store(queue, f"r{number}@far.test")
            worker = b.worker()
            await worker.round()
            await sink.wait_for(2)
            await in_store(queue, "bob@near.test")
            await worker.round()
            assert (await sink.wait_for(3))[2].forward_paths == ["bob@near.test"]
            await until_idle(worker)
            await worker.close()

    run(scenario())


def test_a_host_is_wanted_while_somebody_waits_for_it() -> None:
    async def scenario() -> None:
        hosts = HostRoom(1)
        assert hosts.take("192.0.2.1")
        waiting = [
            asyncio.create_task(hosts.wait({"192.0.2.1"}, seconds=seconds)) for seconds in (60, 60, 0.01)
        ]
        assert not await waiting[2]
        assert hosts.is_wanted("192.0.2.1")
        assert not hosts.is_wanted("192.0.2.2")
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
        assert hosts.is_wanted("192.0.2.1")
        hosts.give_back("192.0.2.1")
        assert await waiting[1]
        assert not hosts.is_wanted("192.0.2.1")

    run(scenario())


def test_what_a_destination_bears_is_remembered(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            for number in range(40):
                await in_store(queue, f"r{number}@far.test")
            worker = b.worker()
            await worker.round()
            await until_idle(worker)
            await worker.close()
            grown = (await in_store(Destination.objects.get, name="far.test")).connections
            assert grown > 2
            assert sink.most_open > 2
            sink.say("MAIL", "450 4.7.1 too fast")
            await in_store(queue, "late@far.test")
            await b.work()
            assert (await in_store(Destination.objects.get, name="far.test")).connections == grown // 2

    run(scenario())
