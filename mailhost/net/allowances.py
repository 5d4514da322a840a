"""How often something may happen within a time, counted for all processes together.

Exactly, in one round trip to Redis (take_now: who may send how much), or at once and nearly so (Allowances: floods).
All allowances of a question are taken or none. While Redis is away each process counts for itself: limits are looser
then, by the number of processes, and nobody is refused because of it.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.conf import settings

from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.counters import PREFIX, LocalCounters
from mailhost.net.redis_clients import RedisAway, shared_breaker

EXCHANGE_SECONDS: Final = 0.2
MAX_TOLD_TOGETHER: Final = 500  # keys of one script, which holds up whoever else asks Redis
MAX_KEYS: Final = 50_000  # whoever comes from more addresses evicts the oldest counts
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
# The count after this and how long its window still is, in milliseconds, for each key.
TELL: Final = """
local answer = {}
for number, key in ipairs(KEYS) do
  local by = ARGV[2 * number - 1]
  local count = redis.call('INCRBY', key, by)
  if count == tonumber(by) then redis.call('EXPIRE', key, ARGV[2 * number]) end
  answer[2 * number - 1] = count
  answer[2 * number] = redis.call('PTTL', key)
end
return answer
"""


class Allowance(NamedTuple):
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


@dataclass(slots=True)
class _Count:
    """What all processes have counted by the last exchange, and what this one has since. ends_at: of its window."""

    window_seconds: int
    ends_at: float
    known: int = 0
    untold: int = 0


class Allowances:
    """For one event loop: answers at once, out of its memory. To be closed.

    Every EXCHANGE_SECONDS it tells Redis what was taken and learns what others took. Until then it knows of its own
    alone: a flood over several processes gets through what comes in that time. In return no command waits for Redis.
    """

    def __init__(
        self,
        breaker: AsyncBreaker | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self._breaker = breaker or AsyncBreaker(settings.REDIS_URL)
        self._clock = clock
        self._max_keys = max_keys
        self._counts: dict[str, _Count] = {}  # oldest first
        self._untold: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    def take(self, *wanted: Allowance) -> Answer:
        """Takes all of them, or none where one is used up."""
        now = self._clock()
        counts = [self._count(each, now) for each in wanted]
        for each, count in zip(wanted, counts, strict=True):
            if each.limit and count.known + count.untold + each.by > each.limit:
                return _used_up(each, math.ceil(count.ends_at - now) if count.known + count.untold else 0)
        for each, count in zip(wanted, counts, strict=True):
            count.untold += each.by
            self._untold.add(each.key)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_soon(), name="allowances")
        return Taken(tuple(count.known + count.untold for count in counts))

    async def exchange(self) -> None:
        """Tells Redis and learns from it, now. While Redis is away the process counts for itself."""
        told = {key: self._counts[key] for key in self._untold if key in self._counts}
        self._untold.clear()
        keys = list(told)
        for start in range(0, len(keys), MAX_TOLD_TOGETHER):
            await self._exchange({key: told[key] for key in keys[start : start + MAX_TOLD_TOGETHER]})

    async def close(self) -> None:
        """Tells what is not told yet."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        await self.exchange()
        await self._breaker.close()

    def _count(self, wanted: Allowance, now: float) -> _Count:
        count = self._counts.get(wanted.key)
        if count is None or count.ends_at <= now:
            self._counts.pop(wanted.key, None)
            if len(self._counts) >= self._max_keys:
                del self._counts[next(iter(self._counts))]
            window = max(wanted.window_seconds, 1)
            count = self._counts[wanted.key] = _Count(window, now + window)
        return count

    async def _tell_soon(self) -> None:
        try:
            while self._untold:
                await asyncio.sleep(EXCHANGE_SECONDS)
                await self.exchange()
        finally:
            self._telling = None

    async def _exchange(self, told: dict[str, _Count]) -> None:
        arguments: list[int] = []
        for count in told.values():
            arguments += (count.untold, count.window_seconds)
            count.known, count.untold = count.known + count.untold, 0

        keys = [PREFIX + key for key in told]
        try:
            answers: list[int] = await self._breaker.ask("EVAL", TELL, len(keys), *keys, *arguments)
        except RedisAway:
            return
        now = self._clock()
        for count, known, milliseconds in zip(told.values(), answers[::2], answers[1::2], strict=True):
            count.known, count.ends_at = known, now + milliseconds / 1000


def take_now(*wanted: Allowance) -> Answer:
    """Exactly, for threads."""
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
