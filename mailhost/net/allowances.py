"""How often something may happen within a time: counted for all processes together, in one round trip to Redis.

All allowances of a question are taken or none. While Redis is away each process counts for itself: limits are looser
then, by the number of processes, and nobody is refused because of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from django.conf import settings

from mailhost.net.batcher import Batcher
from mailhost.net.counters import PREFIX, LocalCounters
from mailhost.net.redis_clients import AsyncBreaker, RedisAway, fast_async_client_for, shared_breaker

MAX_ASKED_TOGETHER: Final = 100
# {number of the one that is used up, seconds left of its window} or {0, 0, the counts after this}
TAKE: Final = """
for number, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[3 * number - 2])
  if limit > 0 and tonumber(redis.call('GET', key) or '0') + tonumber(ARGV[3 * number - 1]) > limit then
    return {number, redis.call('TTL', key)}
  end
end
local answer = {0, 0}
for number, key in ipairs(KEYS) do
  local by = ARGV[3 * number - 1]
  local count = redis.call('INCRBY', key, by)
  if count == tonumber(by) then redis.call('EXPIRE', key, ARGV[3 * number]) end
  answer[number + 2] = count
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`by` more of `limit` (0: no limit, but counted) within a window that begins with its first count."""

    key: str
    limit: int
    window_seconds: int
    by: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """The count of each allowance after this, in order."""

    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UsedUp:
    """Nothing was taken. retry_seconds: until the window of the one that is used up ends."""

    allowance: Allowance
    retry_seconds: int


Answer = Taken | UsedUp
_local = LocalCounters()


class Allowances:
    """For one event loop: what its sessions ask at the same time travels together. To be closed."""

    def __init__(self, breaker: AsyncBreaker | None = None) -> None:
        self._breaker = breaker or AsyncBreaker(fast_async_client_for(settings.REDIS_URL))
        self._questions: Batcher[Sequence[Allowance], Answer] = Batcher(
            self._answer, max_weight=MAX_ASKED_TOGETHER
        )

    async def take(self, *wanted: Allowance) -> Answer:
        """Takes all of them, or none where one is used up. Raises StoreUnavailable once it is closed."""
        return await self._questions.ask(wanted)

    async def close(self) -> None:
        """Ends once everything that waits is answered."""
        await self._questions.close()
        await self._breaker.close()

    async def _answer(self, questions: Sequence[Sequence[Allowance]]) -> list[Answer]:
        async def ask(client: "redis.asyncio.Redis") -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for wanted in questions:
                pipeline.eval(TAKE, len(wanted), *_arguments(wanted))
            answers: list[Any] = await pipeline.execute()
            return answers

        try:
            answers = await self._breaker.ask(ask)
        except RedisAway:
            return [_take_locally(wanted) for wanted in questions]
        return [_read(wanted, answer) for wanted, answer in zip(questions, answers, strict=True)]


def take_now(*wanted: Allowance) -> Answer:
    """As Allowances.take, for threads."""
    try:
        answer: Any = shared_breaker().ask(lambda client: client.eval(TAKE, len(wanted), *_arguments(wanted)))
    except RedisAway:
        return _take_locally(wanted)
    return _read(wanted, answer)


def _arguments(wanted: Sequence[Allowance]) -> list[str]:
    numbers = [
        str(number) for each in wanted for number in (each.limit, each.by, max(each.window_seconds, 1))
    ]
    return [*(PREFIX + each.key for each in wanted), *numbers]


def _read(wanted: Sequence[Allowance], answer: Sequence[int]) -> Answer:
    number, seconds, *counts = answer
    if number:
        return _used_up(wanted[number - 1], seconds)
    return Taken(tuple(counts))


def _used_up(allowance: Allowance, seconds: int) -> UsedUp:
    """Without a window (one question asks for more than the whole limit) it is as long as a new one."""
    return UsedUp(allowance, seconds if seconds > 0 else allowance.window_seconds)


def _take_locally(wanted: Sequence[Allowance]) -> Answer:
    for each in wanted:
        if each.limit and _local.read(each.key) + each.by > each.limit:
            return _used_up(each, 0)
    return Taken(
        tuple(
            _local.increment(each.key, by=each.by, window_seconds=max(each.window_seconds, 1))
            for each in wanted
        )
    )
