"""Counters, with Valkey and without."""

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings

from mailhost.net import counters, redis_clients
from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.counted_together import Addition, Additions, Distinct, LoopCounters, add_together
from mailhost.net.counters import LocalCounters
from mailhost.net.redis_clients import (
    BREAK_SECONDS,
    Breaker,
    RedisAway,
    client_for,
    kombu_url,
)
from tests.support.running import run


def test_counts_are_shared_and_end_with_their_window(key: str) -> None:
    assert counters.read(key) == 0
    assert counters.increment(key, window_seconds=60) == 1
    assert counters.increment(key, by=4, window_seconds=600) == 5
    assert counters.read(key) == 5
    client = client_for(settings.REDIS_URL)
    assert 0 < int(str(client.ttl(counters.PREFIX + key))) <= 60  # counting on does not prolong the window
    counters.forget(key)
    assert counters.read(key) == 0


def test_without_redis_the_process_counts_for_itself(key: str, redis_away: None) -> None:
    assert counters.increment(key, window_seconds=60) == 1
    assert counters.increment(key, window_seconds=60) == 2
    assert counters.read(key) == 2
    counters.forget(key)
    assert counters.read(key) == 0


def test_many_are_counted_together(key: str) -> None:
    counters.increment(f"{key}:a", window_seconds=60)
    additions = (Addition(f"{key}:a", 2, 600), Addition(f"{key}:b", 0, 60))
    for place, networks in (("10.0.0.0/24", 1), ("10.0.1.0/24", 2), ("10.0.1.0/24", 2)):
        sums, distinct = add_together(Additions(additions, Distinct(key, place, 60)))
        assert distinct == networks
    assert sums == [7, 0]
    assert add_together(Additions((Addition(f"{key}:b", 5, 60),))) == ([5], 0)
    assert add_together(Additions((Addition(f"{key}:b", 0, 60),))) == ([5], 0)
    assert counters.read_all([f"{key}:a", f"{key}:b", f"{key}:c"]) == [7, 5, 0]
    client = client_for(settings.REDIS_URL)
    for name in (f"{key}:a", f"{key}:b", f"distinct:{key}"):
        assert 0 < int(str(client.ttl(counters.PREFIX + name))) <= 60


def test_what_is_taken_back_of_a_counter_that_has_ended_ends_as_well(key: str) -> None:
    assert add_together(Additions((Addition(key, -3, 60),))) == ([-3], 0)
    assert 0 < int(str(client_for(settings.REDIS_URL).ttl(counters.PREFIX + key))) <= 60


def test_the_sessions_of_a_loop_are_counted_together_each_for_itself(key: str) -> None:
    async def scenario() -> None:
        shared = LoopCounters()
        try:
            answers = await asyncio.gather(
                *(
                    shared.add_together(
                        Additions(
                            (Addition(f"{key}:all", 1, 60), Addition(f"{key}:{number}", number, 60)),
                            Distinct(key, f"10.0.{number}.0/24", 60) if number % 2 else None,
                        )
                    )
                    for number in range(5)
                )
            )
            assert answers == [([1, 0], 0), ([2, 1], 1), ([3, 2], 0), ([4, 3], 2), ([5, 4], 0)]
            keys = [f"{key}:all", f"{key}:4", f"{key}:nobody"]
            counted, some = await asyncio.gather(shared.read_all(keys), shared.read_all(keys[1:]))
            assert (counted, some) == ([5, 4, 0], [4, 0])
        finally:
            await shared.close()

    run(scenario())


def test_without_redis_a_loop_counts_for_its_process(key: str, redis_away: None) -> None:
    async def scenario() -> None:
        shared = LoopCounters()
        try:
            additions = Additions((Addition(f"{key}:a", 2, 60),), Distinct(key, "10.0.0.0/24", 60))
            assert await shared.add_together(additions) == ([2], 1)
            both = (shared.read_all([f"{key}:a"]), shared.read_all([f"{key}:b"]))
            told = await asyncio.gather(*both, return_exceptions=True)
            assert [type(each) for each in told] == [RedisAway, RedisAway]  # its caller knows better
        finally:
            await shared.close()

    run(scenario())
    assert counters.read(f"{key}:a") == 2


def test_a_redis_that_says_nothing_is_not_waited_for_twice(key: str, tmp_path: Path) -> None:
    connections = []

    async def scenario() -> None:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(listen, tmp_path / "deaf")
        breaker = AsyncBreaker(f"unix://{tmp_path}/deaf")
        shared = LoopCounters(breaker)
        try:
            assert await shared.add_together(Additions((Addition(key, 2, 60),))) == ([2], 0)
            with pytest.raises(RedisAway):
                await shared.read_all([key])
        finally:
            await shared.close()
            server.close()
            await server.wait_closed()

    run(scenario())
    assert len(connections) == 1


def test_without_redis_many_are_counted_together_as_well(key: str, redis_away: None) -> None:
    additions = (Addition(f"{key}:a", 2, 60), Addition(f"{key}:b", 3, 60))
    assert add_together(Additions(additions)) == ([2, 3], 0)
    assert add_together(Additions(additions, Distinct(key, "10.0.0.0/24", 60))) == ([4, 6], 1)
    assert counters.read_all([f"{key}:b", f"{key}:a"]) == [6, 4]


def test_local_counts_end_with_their_window_and_stay_bounded() -> None:
    now = [0.0]
    local = LocalCounters(clock=lambda: now[0], max_keys=10)
    assert local.increment("a", by=2, window_seconds=5) == 2
    now[0] = 4.9
    assert local.increment("a", by=1, window_seconds=5) == 3
    now[0] = 5.0
    assert local.read("a") == 0
    for number in range(100):
        local.increment(str(number), by=1, window_seconds=5)
    assert len(local._counts) <= 10
    assert local.read("99") == 1


def test_after_a_failure_redis_is_left_alone_for_a_while(tmp_path: Path) -> None:
    now = [0.0]
    breaker = Breaker(client_for(f"unix://{tmp_path}/nobody"), clock=lambda: now[0])
    asked = []

    def ask(client: "redis.Redis") -> object:
        asked.append(1)
        return client.ping()

    for _ in range(3):
        with pytest.raises(RedisAway):
            breaker.ask(ask)
    assert len(asked) == 1
    now[0] = BREAK_SECONDS
    breaker._client = client_for(settings.REDIS_URL)
    assert breaker.ask(ask)


def test_a_redis_that_takes_connections_and_says_nothing_costs_a_moment(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        os.chdir(tmp_path)
        silent.bind("silent")
        silent.listen(5)
        breaker = Breaker(client_for(f"unix://{tmp_path}/silent"))
        began = time.monotonic()
        with pytest.raises(RedisAway):
            breaker.ask(lambda client: client.ping())
        assert time.monotonic() - began < 10 * redis_clients.TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("url", "kombu"),
    [
        ("redis://host:6379/2", "redis://host:6379/2"),
        ("rediss://host", "rediss://host"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
        ("unix://:secret@/run/valkey.sock", "redis+socket://:secret@/run/valkey.sock?virtual_host=0"),
    ],
)
def test_one_url_for_both_libraries(url: str, kombu: str) -> None:
    assert kombu_url(url) == kombu
