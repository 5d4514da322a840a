"""Allowances: all or none, shared by processes, ending with their window; with Valkey and without."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from mailhost.net import counters
from mailhost.net.allowances import Allowance, Allowances, Taken, UsedUp, take_now
from mailhost.net.redis_clients import client_for, shared_breaker
from tests.support.running import run


@pytest.fixture
def key() -> str:
    return f"test:{uuid.uuid4()}"


@pytest.fixture
def redis_away(tmp_path: Path) -> Iterator[None]:
    shared_breaker.cache_clear()
    with override_settings(REDIS_URL=f"unix://{tmp_path}/nobody"):
        yield
    shared_breaker.cache_clear()


def test_what_is_allowed_is_counted_and_what_is_not_says_for_how_long(key: str) -> None:
    async def scenario() -> None:
        allowances = Allowances()
        asked = Allowance(key, limit=2, window_seconds=60)
        assert await allowances.take(asked) == Taken((1,))
        assert await allowances.take(asked) == Taken((2,))
        refused = await allowances.take(asked)
        assert isinstance(refused, UsedUp)
        assert refused.allowance == asked
        assert 0 < refused.retry_seconds <= 60
        await allowances.close()

    run(scenario())
    assert counters.read(key) == 2


def test_all_are_taken_or_none(key: str) -> None:
    async def scenario() -> None:
        allowances = Allowances()
        free, tight = Allowance(f"{key}:a", 0, 60, by=5), Allowance(f"{key}:b", 3, 60, by=2)
        assert await allowances.take(free, tight) == Taken((5, 2))
        refused = await allowances.take(free, tight)
        assert isinstance(refused, UsedUp)
        assert refused.allowance == tight
        await allowances.close()

    run(scenario())
    assert counters.read(f"{key}:a") == 5


def test_many_sessions_at_once_get_no_more_than_there_is(key: str) -> None:
    async def scenario() -> None:
        one, other = Allowances(), Allowances()  # as two processes have them
        asked = Allowance(key, limit=30, window_seconds=60)
        answers = await asyncio.gather(*(each.take(asked) for each in (one, other) for _ in range(40)))
        assert sum(isinstance(answer, Taken) for answer in answers) == 30
        await one.close()
        await other.close()

    run(scenario())


def test_a_window_begins_with_its_first_count(key: str) -> None:
    assert take_now(Allowance(key, 10, 60)) == Taken((1,))
    assert take_now(Allowance(key, 10, 600)) == Taken((2,))
    assert 0 < int(str(client_for(settings.REDIS_URL).ttl(counters.PREFIX + key))) <= 60


def test_more_than_the_whole_limit_waits_for_a_window_that_will_not_do_either(key: str) -> None:
    asked = Allowance(key, limit=5, window_seconds=60, by=6)
    assert take_now(asked) == UsedUp(asked, 60)


def test_without_redis_the_process_counts_for_itself(key: str, redis_away: None) -> None:
    asked = Allowance(key, limit=1, window_seconds=60)

    async def scenario() -> None:
        allowances = Allowances()
        assert await allowances.take(asked) == Taken((1,))
        assert await allowances.take(asked) == UsedUp(asked, 60)
        await allowances.close()

    run(scenario())
    assert take_now(asked) == UsedUp(asked, 60)
