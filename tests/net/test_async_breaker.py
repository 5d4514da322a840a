"""Questions of one event loop to a real Valkey."""

import asyncio
import uuid

import pytest
from django.conf import settings

from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.redis_clients import RedisAway, client_for
from tests.support.running import run


def test_it_answers_and_keeps_its_connection() -> None:
    async def scenario() -> None:
        breaker = AsyncBreaker(settings.REDIS_URL)
        first = await breaker.ask("CLIENT", "ID")
        assert await breaker.ask("ECHO", "three words here") == b"three words here"
        assert await breaker.ask("CLIENT", "ID") == first
        both = await asyncio.gather(breaker.ask("CLIENT", "ID"), breaker.ask("CLIENT", "ID"))
        assert len(set(both)) == 2
        await breaker.close()

    run(scenario())


def test_a_connection_that_the_server_has_closed_is_replaced() -> None:
    async def scenario() -> None:
        breaker = AsyncBreaker(settings.REDIS_URL)
        number = await breaker.ask("CLIENT", "ID")
        client_for(settings.REDIS_URL).client_kill_filter(_id=number)
        assert await breaker.ask("CLIENT", "ID") != number
        await breaker.close()

    run(scenario())


def test_an_answer_that_nobody_waited_for_is_not_taken_for_another() -> None:
    async def scenario() -> None:
        breaker = AsyncBreaker(settings.REDIS_URL)
        number = await breaker.ask("CLIENT", "ID")
        waiting = asyncio.create_task(breaker.ask("BLPOP", uuid.uuid4().hex, 1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await breaker.ask("ECHO", "mine") == b"mine"
        assert await breaker.ask("CLIENT", "ID") != number
        await breaker.close()

    run(scenario())


def test_what_it_refuses_is_no_answer() -> None:
    async def scenario() -> None:
        breaker = AsyncBreaker(settings.REDIS_URL)
        with pytest.raises(RedisAway):
            await breaker.ask("NO-SUCH-COMMAND")
        with pytest.raises(RedisAway):
            await breaker.ask("PING")  # for a while
        await breaker.close()

    run(scenario())
