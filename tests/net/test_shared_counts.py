"""Sessions counted over several processes: here several counts, each of which is a process to the others."""

import asyncio
import uuid
from pathlib import Path

import pytest
from django.conf import settings

from mailhost.net.redis_clients import Breaker, client_for
from mailhost.net.shared_counts import ALIVE_SECONDS, PREFIX, SharedCounts, exchanging


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4()}"


def fill(counts: SharedCounts, key: str, by: int) -> None:
    for _ in range(by):
        counts.add(key)


def test_what_others_have_counts_too(name: str) -> None:
    async def scenario() -> None:
        one, other = (SharedCounts(name, at_most=10) for _ in range(2))
        fill(one, "alice", 6)
        fill(other, "alice", 4)
        fill(other, "bob", 9)
        assert not one.is_full("alice")
        for _ in range(2):
            await one.exchange()
            await other.exchange()
        assert not one.is_full("alice")  # it told first, and nothing has changed here since
        await one.exchange(everything=True)
        assert one.is_full("alice")
        assert other.is_full("alice")
        assert not other.is_full("bob")
        one.remove("alice")
        await one.exchange()
        await other.exchange(everything=True)
        assert not other.is_full("alice")

    asyncio.run(scenario())


def test_nobody_is_asked_about_who_has_few_sessions(name: str) -> None:
    async def scenario() -> None:
        counts = SharedCounts(name, at_most=100)
        fill(counts, "alice", 10)
        await counts.exchange(everything=True)
        assert not client_for(settings.REDIS_URL).exists(f"{PREFIX}{name}:alice")
        fill(counts, "alice", 1)
        await counts.exchange()
        assert client_for(settings.REDIS_URL).exists(f"{PREFIX}{name}:alice")
        for _ in range(11):
            counts.remove("alice")
        await counts.exchange()
        assert not client_for(settings.REDIS_URL).exists(f"{PREFIX}{name}:alice")
        assert not counts

    asyncio.run(scenario())


def test_a_process_that_died_frees_what_it_had(name: str) -> None:
    async def scenario() -> None:
        now = 1_000_000.0
        died, living = (SharedCounts(name, at_most=10, clock=lambda: now) for _ in range(2))
        fill(died, "alice", 8)
        fill(living, "alice", 2)
        await died.exchange()
        await living.exchange()
        assert living.is_full("alice")
        now += ALIVE_SECONDS + 1
        await living.exchange(everything=True)
        assert not living.is_full("alice")
        ttl = client_for(settings.REDIS_URL).ttl(f"{PREFIX}{name}:alice")
        assert 0 < int(str(ttl)) <= ALIVE_SECONDS

    asyncio.run(scenario())


def test_without_redis_each_process_counts_for_itself_and_together_again_later(
    name: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        away = Breaker(client_for(f"unix://{tmp_path}/nobody"))
        other = SharedCounts(name, at_most=10)
        fill(other, "alice", 8)
        await other.exchange()
        one = SharedCounts(name, at_most=10, breaker=away)
        fill(one, "alice", 9)
        await one.exchange()
        assert not one.is_full("alice")
        one.add("alice")
        assert one.is_full("alice")
        one._breaker = None
        for _ in range(8):
            one.remove("alice")
        await one.exchange(everything=True)
        assert one.is_full("alice")

    asyncio.run(scenario())


def test_it_is_exchanged_as_it_changes(name: str) -> None:
    async def scenario() -> None:
        one, other = (SharedCounts(name, at_most=10) for _ in range(2))
        fill(other, "alice", 3)
        await other.exchange()
        async with exchanging(one), asyncio.timeout(30):
            fill(one, "alice", 7)
            while not one.is_full("alice"):  # noqa: ASYNC110 -- nobody else tells
                await asyncio.sleep(0)

    asyncio.run(scenario())
