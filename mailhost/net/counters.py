"""Counters of what happened lately (wrong passwords, messages sent), shared by all processes through Redis.

While Redis is away each process counts for itself: limits are looser then, by the number of processes.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import redis

from mailhost.net.redis_clients import RedisAway, shared_breaker

PREFIX = "count:"
MAX_LOCAL_KEYS = (
    100_000  # about 20 MB; an attacker with more addresses than that evicts his own oldest counts
)


class LocalCounters:
    """The same in this process's memory, bounded."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, max_keys: int = MAX_LOCAL_KEYS
    ) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}  # key: (count, end of its window), oldest first

    def increment(self, key: str, *, by: int, window_seconds: int) -> int:
        """The count after this."""
        with self._lock:
            count, ends_at = self._current(key) or (0, self._clock() + window_seconds)
            if not count and len(self._counts) >= self._max_keys:
                self._make_room()
            self._counts[key] = (count + by, ends_at)
            return count + by

    def read(self, key: str) -> int:
        """The count in the present window."""
        with self._lock:
            current = self._current(key)
            return current[0] if current else 0

    def forget(self, key: str) -> None:
        """Back to 0."""
        with self._lock:
            self._counts.pop(key, None)

    def _current(self, key: str) -> tuple[int, float] | None:
        current = self._counts.get(key)
        if current is not None and current[1] <= self._clock():
            del self._counts[key]
            return None
        return current

    def _make_room(self) -> None:
        now = self._clock()
        self._counts = {key: value for key, value in self._counts.items() if value[1] > now}
        for key in list(self._counts)[: max(0, len(self._counts) - self._max_keys // 2)]:
            del self._counts[key]


_local = LocalCounters()


def increment(key: str, *, by: int = 1, window_seconds: int) -> int:
    """Count, and give the sum since the window began; it begins with the first count and lasts `window_seconds`."""
    name = PREFIX + key

    def count(client: "redis.Redis") -> int:
        pipeline = client.pipeline(transaction=False)
        pipeline.incrby(name, by)
        pipeline.expire(name, window_seconds, nx=True)
        return int(pipeline.execute()[0])

    try:
        return shared_breaker().ask(count)
    except RedisAway:
        return _local.increment(key, by=by, window_seconds=window_seconds)


@dataclass(frozen=True, slots=True)
class Addition:
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


# One command instead of two for each counter: a message that is submitted adds to a dozen of them.
ADD_TOGETHER: Final = """
local sums = {}
for i = 1, tonumber(ARGV[1]) do
  sums[i] = redis.call('INCRBY', KEYS[i], ARGV[2 * i])
  redis.call('EXPIRE', KEYS[i], ARGV[2 * i + 1], 'NX')
end
if #KEYS > #sums then
  redis.call('PFADD', KEYS[#KEYS], ARGV[#ARGV - 1])
  redis.call('EXPIRE', KEYS[#KEYS], ARGV[#ARGV], 'NX')
  sums[#KEYS] = redis.call('PFCOUNT', KEYS[#KEYS])
end
return sums
"""


def add_together(additions: Sequence[Addition], distinct: Distinct | None = None) -> tuple[list[int], int]:
    """As increment() for each, in one round trip; and how many different values `distinct` has then, this one
    included, about, beyond hundreds (0 without it; 1 while Redis is away: nobody knows of others).
    """
    keys = [PREFIX + each.key for each in additions]
    values: list[int | str] = [len(additions)]
    for each in additions:
        values += (each.by, each.window_seconds)
    if distinct is not None:
        keys.append(f"{PREFIX}distinct:{distinct.key}")
        values += (distinct.value, distinct.window_seconds)

    def count(client: "redis.Redis") -> list[int]:
        return [int(number) for number in client.register_script(ADD_TOGETHER)(keys=keys, args=values)]

    try:
        numbers = shared_breaker().ask(count)
    except RedisAway:
        sums = [
            _local.increment(each.key, by=each.by, window_seconds=each.window_seconds) for each in additions
        ]
        return sums, 0 if distinct is None else 1
    return numbers[: len(additions)], 0 if distinct is None else numbers[-1]


def read(key: str) -> int:
    """The sum in the present window; 0 where there is none."""
    return read_all([key])[0]


def read_all(keys: Sequence[str]) -> list[int]:
    """As read() for each, in one round trip."""
    names = [PREFIX + key for key in keys]
    try:
        counted = shared_breaker().ask(lambda client: client.mget(names))
    except RedisAway:
        return [_local.read(key) for key in keys]
    return [int(each or 0) for each in counted]


def forget(key: str) -> None:
    """Back to 0: the right password was given after all."""
    _local.forget(key)
    try:
        shared_breaker().ask(lambda client: client.delete(PREFIX + key))
    except RedisAway:
        pass
