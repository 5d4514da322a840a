"""Allowances: all or none, shared by processes, ending with their window; with Valkey and without."""

import pytest
from django.conf import settings

from mailhost.net import allowances as module
from mailhost.net import counters
from mailhost.net.allowances import Allowance, Allowances, Taken, UsedUp, take_now
from mailhost.net.redis_clients import client_for
from tests.support.running import run


def test_what_is_allowed_is_counted_and_what_is_not_says_for_how_long(key: str) -> None:
    async def scenario() -> None:
        allowances = Allowances()
        asked = Allowance(key, limit=2, window_seconds=60)
        assert allowances.take(asked) == Taken((1,))
        assert allowances.take(asked) == Taken((2,))
        refused = allowances.take(asked)
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
        assert allowances.take(free, tight) == Taken((5, 2))
        refused = allowances.take(free, tight)
        assert isinstance(refused, UsedUp)
        assert refused.allowance == tight
        await allowances.close()

    run(scenario())
    assert counters.read(f"{key}:a") == 5


def test_processes_learn_from_each_other_what_was_taken(key: str) -> None:
    async def scenario() -> None:
        one, other = Allowances(), Allowances()  # as two processes have them
        asked = Allowance(key, limit=30, window_seconds=60)
        answers = [each.take(asked) for each in (one, other) for _ in range(20)]
        assert all(isinstance(answer, Taken) for answer in answers)
        await one.exchange()
        await other.exchange()  # has learned now that there are none left
        refused = other.take(asked)
        assert isinstance(refused, UsedUp)
        assert 0 < refused.retry_seconds <= 60
        assert one.take(asked) == Taken((21,))  # told first: it learns with the next exchange
        await one.exchange()
        assert isinstance(one.take(asked), UsedUp)
        await one.close()
        await other.close()

    run(scenario())
    assert counters.read(key) == 41


def test_what_was_taken_is_told_without_being_asked_for(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXCHANGE_SECONDS", 0.001)

    async def scenario() -> None:
        allowances = Allowances()
        allowances.take(Allowance(key, 0, 60))
        assert allowances._telling is not None
        await allowances._telling
        assert counters.read(key) == 1
        await allowances.close()

    run(scenario())


def test_a_window_ends_in_memory_too(key: str) -> None:
    now = 1_000.0

    async def scenario() -> None:
        nonlocal now
        allowances = Allowances(clock=lambda: now)
        asked = Allowance(key, limit=1, window_seconds=60)
        assert allowances.take(asked) == Taken((1,))
        now += 59.5
        assert allowances.take(asked) == UsedUp(asked, 1)
        now += 0.5
        assert allowances.take(asked) == Taken((1,))
        await allowances.close()

    run(scenario())


def test_who_comes_from_everywhere_fills_no_memory(key: str) -> None:
    async def scenario() -> None:
        allowances = Allowances(max_keys=2)
        for number in (1, 2, 3):
            allowances.take(Allowance(f"{key}:{number}", 1, 60))
        assert isinstance(allowances.take(Allowance(f"{key}:3", 1, 60)), UsedUp)
        assert isinstance(allowances.take(Allowance(f"{key}:1", 1, 60)), Taken)  # the oldest was let go
        await allowances.close()

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
        assert allowances.take(asked) == Taken((1,))
        await allowances.exchange()
        assert allowances.take(asked) == UsedUp(asked, 60)
        await allowances.close()

    run(scenario())
    assert isinstance(take_now(asked), Taken)
    assert take_now(asked) == UsedUp(asked, 60)
