"""How many sessions there are right now, by account or address, in all processes together, through Redis.

Asking costs nothing: what other processes have is learnt in the background, and only for who has many sessions here
(counters.py counts what happened; this is about what is there). While Redis is away each process counts for itself.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import redis
import structlog

from mailhost.net.redis_clients import Breaker, RedisAway, shared_breaker

log = structlog.get_logger(__name__)

PREFIX = "now:"
# Who has no more than a tenth of the limit here is no matter for others: nearly everybody, all of the time. With n
# processes somebody may so have n tenths more, and what comes within one exchange.
QUIET_SHARE = 10
EXCHANGE_SECONDS = 0.05  # between two exchanges: logins come in bursts
REFRESH_SECONDS = 20.0
ALIVE_SECONDS = (
    60.0  # what a process that died had counts for so long; clocks of hosts differ by seconds at most
)
KEYS_AT_ONCE = 500


class SharedCounts:
    """Sessions by key. To be used in the loop; without exchanging() it is this process's own count alone."""

    def __init__(
        self,
        name: str,
        *,
        at_most: int,
        clock: Callable[[], float] = time.time,
        breaker: Breaker | None = None,
    ) -> None:
        self._name = name
        self._at_most = at_most
        self._clock = clock
        self._breaker = breaker
        self._process = secrets.token_urlsafe(9)
        self._own: dict[str, int] = {}
        self._others: dict[str, int] = {}
        self._told: set[str] = set()
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """Of how many keys there are sessions here."""
        return len(self._own)

    def is_full(self, key: str) -> bool:
        """Whether there are as many as there may be."""
        return self._own.get(key, 0) + self._others.get(key, 0) >= self._at_most

    def add(self, key: str) -> None:
        """One more here."""
        self._change(key, self._own.get(key, 0) + 1)

    def remove(self, key: str) -> None:
        """One less here."""
        self._change(key, self._own[key] - 1)

    def _change(self, key: str, count: int) -> None:
        if count:
            self._own[key] = count
        else:
            del self._own[key]
        if key in self._told or self._is_told_of(key):
            self._changed.add(key)
            self._wake.set()

    def _is_told_of(self, key: str) -> bool:
        return self._own.get(key, 0) > self._at_most // QUIET_SHARE

    async def exchange(self, *, everything: bool = False) -> None:
        """Tell what has changed here, or everything again, and learn what others have of it."""
        keys = {*self._changed, *self._told} if everything else self._changed
        self._wake.clear()
        self._changed = set()
        for start in range(0, len(ordered := sorted(keys)), KEYS_AT_ONCE):
            some = ordered[start : start + KEYS_AT_ONCE]
            counts = {key: self._own[key] if self._is_told_of(key) else 0 for key in some}
            try:
                others = await asyncio.to_thread(self._exchange, counts)
            except RedisAway:
                self._others.clear()  # nobody knows; the next refresh will
                self._told.update(key for key in some if counts[key])
                return
            for key, count in counts.items():
                if count:
                    self._told.add(key)
                    self._others[key] = others[key]
                else:
                    self._told.discard(key)
                    self._others.pop(key, None)

    def _exchange(self, counts: Mapping[str, int]) -> dict[str, int]:
        """In a thread: sets what this process has of each key, and gives what living others have. Raises RedisAway."""
        now = self._clock()

        def ask(client: "redis.Redis") -> Sequence[Mapping[bytes, bytes]]:
            pipeline = client.pipeline(transaction=False)
            for key, count in counts.items():
                name = f"{PREFIX}{self._name}:{key}"
                if count:
                    pipeline.hset(name, self._process, f"{count} {now + ALIVE_SECONDS:.0f}")
                    pipeline.expire(name, int(ALIVE_SECONDS))
                else:
                    pipeline.hdel(name, self._process)
                pipeline.hgetall(name)
            return [answer for answer in pipeline.execute() if isinstance(answer, dict)]

        answers = (self._breaker or shared_breaker()).ask(ask)
        return {key: self._living(answer, now) for key, answer in zip(counts, answers, strict=True)}

    def _living(self, answer: Mapping[bytes, bytes], now: float) -> int:
        others = 0
        for process, value in answer.items():
            count, _, until = value.partition(b" ")
            if process != self._process.encode() and float(until) > now:
                others += int(count)
        return others

    async def keep_exchanging(self) -> None:
        """Until it is cancelled."""
        refresh_at = time.monotonic() + REFRESH_SECONDS
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), max(refresh_at - time.monotonic(), 0.0))
            except TimeoutError:
                pass
            is_due = time.monotonic() >= refresh_at
            if is_due:
                refresh_at = time.monotonic() + REFRESH_SECONDS
            try:
                await self.exchange(everything=is_due)
            except ValueError as error:  # somebody else writes there
                log.warning("sessions of others not understood", name=self._name, error=str(error))
            await asyncio.sleep(EXCHANGE_SECONDS)


@asynccontextmanager
async def exchanging(*counts: SharedCounts) -> AsyncIterator[None]:
    """These counts are shared with other processes until the end of the context."""
    tasks = [asyncio.create_task(each.keep_exchanging(), name="shared counts") for each in counts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
