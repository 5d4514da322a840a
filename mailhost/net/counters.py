"""Counters of what happened lately (wrong passwords, messages sent), shared by all processes through Redis.

While Redis is away each process counts for itself: limits are looser then, by the number of processes.
"""

import threading
import time
from collections.abc import Callable, Sequence

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


local_counters = LocalCounters()  # of this process


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
        return local_counters.increment(key, by=by, window_seconds=window_seconds)


def read(key: str) -> int:
    """The sum in the present window; 0 where there is none."""
    return read_all([key])[0]


def read_all(keys: Sequence[str]) -> list[int]:
    """As read() for each, in one round trip."""
    names = [PREFIX + key for key in keys]
    try:
        counted = shared_breaker().ask(lambda client: client.mget(names))
    except RedisAway:
        return [local_counters.read(key) for key in keys]
    return [int(each or 0) for each in counted]


def forget(key: str) -> None:
    """Back to 0: the right password was given after all."""
    local_counters.forget(key)
    try:
        shared_breaker().ask(lambda client: client.delete(PREFIX + key))
    except RedisAway:
        pass
