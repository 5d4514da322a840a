"""Many counters in one round trip: what one message adds, and what the sessions of an event loop ask at the same time.

The counters are those of counters.py, with all that is said there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.conf import settings

from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.batcher import Batcher
from mailhost.net.counters import PREFIX, local_counters
from mailhost.net.redis_clients import RedisAway, shared_breaker

MAX_ASKED_TOGETHER: Final = 100


class Addition(NamedTuple):
    """So much more for a counter; see increment()."""

    key: str
    by: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Distinct:
    """One more value for the set whose size is counted; it lives so long from its first value on."""

    key: str
    value: str
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Additions:
    """What is counted together, such as for one message; `distinct` where the size of a set is asked for as well."""

    each: tuple[Addition, ...]
    distinct: Distinct | None = None


# For several Additions: after their number, how many additions each has and what they are, and 1 and a value where
# there is a set. A counter that begins with 0 is not made. One line of numbers: each of an array's costs a client more
# than its counting costs Redis.
ADD_TOGETHER: Final = """
local sums, key, argument = {}, 0, 1
local function next_key() key = key + 1; return KEYS[key] end
local function next_argument() argument = argument + 1; return ARGV[argument] end
for _ = 1, tonumber(ARGV[1]) do
  for _ = 1, tonumber(next_argument()) do
    local name, by, seconds = next_key(), next_argument(), next_argument()
    if by == '0' then
      sums[#sums + 1] = redis.call('GET', name) or '0'
    else
      local sum = redis.call('INCRBY', name, by)
      if sum == tonumber(by) then redis.call('EXPIRE', name, seconds) end
      sums[#sums + 1] = sum
    end
  end
  if next_argument() == '1' then
    local name, value, seconds = next_key(), next_argument(), next_argument()
    redis.call('PFADD', name, value)
    redis.call('EXPIRE', name, seconds, 'NX')
    sums[#sums + 1] = redis.call('PFCOUNT', name)
  end
end
return table.concat(sums, ' ')
"""


def add_together(additions: Additions) -> tuple[list[int], int]:
    """As increment() for each, in one round trip; and how many different values `distinct` has then, this one
    included, about, beyond hundreds (0 without it; 1 while Redis is away: nobody knows of others).
    """
    keys, values = _spelt([additions])
    try:
        line = shared_breaker().ask(
            lambda client: client.register_script(ADD_TOGETHER)(keys=keys, args=values)
        )
    except RedisAway:
        return _add_locally(additions)
    return _read_sums([additions], line)[0]


def _spelt(together: Sequence[Additions]) -> tuple[list[str], list[int | str]]:
    keys: list[str] = []
    values: list[int | str] = [len(together)]
    for additions in together:
        values.append(len(additions.each))
        for each in additions.each:
            keys.append(PREFIX + each.key)
            values += (each.by, each.window_seconds)
        if additions.distinct is None:
            values.append(0)
        else:
            keys.append(f"{PREFIX}distinct:{additions.distinct.key}")
            values += (1, additions.distinct.value, additions.distinct.window_seconds)
    return keys, values


def _read_sums(together: Sequence[Additions], line: bytes) -> list[tuple[list[int], int]]:
    numbers = iter(map(int, line.split()))
    return [
        ([next(numbers) for _ in additions.each], 0 if additions.distinct is None else next(numbers))
        for additions in together
    ]


def _add_locally(additions: Additions) -> tuple[list[int], int]:
    sums = [
        local_counters.increment(each.key, by=each.by, window_seconds=each.window_seconds)
        for each in additions.each
    ]
    return sums, 0 if additions.distinct is None else 1


class LoopCounters:
    """The same counters for the sessions of one event loop: what they ask in one moment goes to Redis together.

    To be closed.
    """

    def __init__(self, breaker: AsyncBreaker | None = None) -> None:
        self._breaker = breaker or AsyncBreaker(settings.REDIS_URL)
        self._sums: Batcher[Additions, tuple[list[int], int]] = Batcher(
            self._add, max_weight=MAX_ASKED_TOGETHER, turns=0
        )
        self._reads: Batcher[Sequence[str], list[int]] = Batcher(
            self._read, max_weight=MAX_ASKED_TOGETHER, turns=0
        )

    async def add_together(self, additions: Additions) -> tuple[list[int], int]:
        """As the function."""
        return await self._sums.ask(additions)

    async def read_all(self, keys: Sequence[str]) -> list[int]:
        """As counters.read_all, but that it raises RedisAway."""
        return await self._reads.ask(keys)

    async def close(self) -> None:
        """Ends once everybody who waits is answered."""
        await self._sums.close()
        await self._reads.close()
        await self._breaker.close()

    async def _add(self, asked: Sequence[Additions]) -> list[tuple[list[int], int]]:
        keys, values = _spelt(asked)
        try:
            line: bytes = await self._breaker.ask("EVAL", ADD_TOGETHER, len(keys), *keys, *values)
            return _read_sums(asked, line)
        except RedisAway:
            return [_add_locally(each) for each in asked]

    async def _read(self, asked: Sequence[Sequence[str]]) -> list[list[int]]:
        names = [PREFIX + key for keys in asked for key in keys]
        counted = iter(await self._breaker.ask("MGET", *names))
        return [[int(next(counted) or 0) for _ in keys] for keys in asked]
