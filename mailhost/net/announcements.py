"""That mailbox N changed: told to every process over Redis pub/sub, one channel a mailbox, after commit.

Notices say nothing but that, and may be lost: whoever hears one looks into the store. Every 15 s, more often while
Redis is away, each process also asks the store once for all mailboxes it watches.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import redis
import redis.asyncio
import structlog
from django.conf import settings
from django.db import DatabaseError

from mailhost.net.redis_clients import RedisAway, async_client_for, shared_breaker
from mailhost.net.store_threads import StoreUnavailable, in_store

log = structlog.get_logger(__name__)

PREFIX = "mailbox."
ANCHOR = (
    PREFIX + "0"
)  # no mailbox has this id; a subscription to hold the connection while nothing is watched
STOP_AGAIN_SECONDS = 0.5
STOP_ATTEMPTS = 6
POLL_SECONDS = 15.0
POLL_AWAY_SECONDS = 5.0
RECONNECT_SECONDS = 1.0
POLL_CHUNK = 5_000  # mailboxes asked for in one query
SUBSCRIBE_CHUNK = 500

Poll = Callable[[Sequence[int]], Mapping[int, int]]
Callback = Callable[[], None]


def announce(mailbox_ids: Iterable[int]) -> None:
    """Tell every watcher that these mailboxes changed; takes microseconds, for it waits for no answer.

    Where Redis hangs it takes 0.2 s once in five seconds. Never raises for a Redis away.
    """
    commands = [("PUBLISH", f"{PREFIX}{mailbox_id}", b"") for mailbox_id in mailbox_ids]
    if not commands:
        return
    try:
        shared_breaker().send(commands)
    except RedisAway:
        pass  # the watchers' own look will find it


class Watch:
    """One session's interest in a mailbox; close() ends it."""

    __slots__ = ("_callback", "_watcher", "mailbox_id")

    def __init__(self, watcher: "Watcher", mailbox_id: int, callback: Callback) -> None:
        self._watcher = watcher
        self._callback = callback
        self.mailbox_id = mailbox_id

    def tell(self) -> None:
        """Call back: something may have changed."""
        self._callback()

    def close(self) -> None:
        """No more calls. May be called twice."""
        self._watcher._forget(self)


class Watcher:
    """One for each process: one Redis connection, however many sessions watch.

    `poll` is a synchronous store function that gives the highest modseq of each mailbox that still exists.
    """

    def __init__(
        self,
        poll: Poll,
        *,
        redis_url: str | None = None,
        poll_seconds: float = POLL_SECONDS,
        poll_away_seconds: float = POLL_AWAY_SECONDS,
    ) -> None:
        self._poll = poll
        self._redis_url = redis_url
        self._poll_seconds = poll_seconds
        self._poll_away_seconds = poll_away_seconds
        self._watches: dict[int, set[Watch]] = {}
        self._modseqs: dict[int, int | None] = {}  # as of the last look; None: it was gone
        self._is_connected = False
        self._wanted_changed = asyncio.Event()
        self._look_now = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin, in the running loop. Returns at once, whether Redis is there or not."""
        self._tasks = [
            asyncio.create_task(self._stay_connected(), name="watcher"),
            asyncio.create_task(self._look_again_and_again(), name="watcher's own look"),
        ]
        for task in self._tasks:
            task.add_done_callback(_report_failure)

    async def stop(self) -> None:
        """End; no callback is called any more."""
        # Again and again: a task group that is cancelled just when its connection breaks forgets the cancellation
        # (Python 3.11), and its task would go on.
        for _ in range(STOP_ATTEMPTS):
            pending = [task for task in self._tasks if not task.done()]
            if not pending:
                break
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=STOP_AGAIN_SECONDS)
        self._tasks.clear()
        self._watches.clear()

    @property
    def is_connected(self) -> bool:
        """Whether notices come in now."""
        return self._is_connected

    def watch(self, mailbox_id: int, callback: Callback) -> Watch:
        """Have `callback()` called in the loop whenever the mailbox may have changed; sometimes it has not.

        Watch first and read the mailbox then. For an IMAP session the callback is its connection's nudge().
        """
        watch = Watch(self, mailbox_id, callback)
        watches = self._watches.setdefault(mailbox_id, set())
        if not watches:
            self._wanted_changed.set()
        watches.add(watch)
        return watch

    def _forget(self, watch: Watch) -> None:
        watches = self._watches.get(watch.mailbox_id)
        if watches is None or watch not in watches:
            return
        watches.discard(watch)
        if not watches:
            del self._watches[watch.mailbox_id]
            self._modseqs.pop(watch.mailbox_id, None)
            self._wanted_changed.set()

    def _tell(self, mailbox_id: int) -> None:
        for watch in tuple(self._watches.get(mailbox_id, ())):
            watch.tell()

    # --- notices ------------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        while True:
            client = async_client_for(self._redis_url or settings.REDIS_URL)
            pubsub = client.pubsub()
            try:
                await self._follow(pubsub)
            except* (redis.RedisError, OSError) as errors:
                if self._is_connected:
                    log.warning("redis is away", error=str(errors.exceptions[0]))
            finally:
                self._is_connected = False
                await _close_quietly(pubsub, client)
            self._look_now.set()  # what was announced meanwhile was heard by nobody
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self, pubsub: "redis.asyncio.client.PubSub") -> None:
        """Hear notices until the connection breaks."""
        await pubsub.subscribe(ANCHOR)
        self._is_connected = True
        self._wanted_changed.set()
        self._look_now.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_subscribed(pubsub))
            group.create_task(self._hear(pubsub))

    async def _keep_subscribed(self, pubsub: "redis.asyncio.client.PubSub") -> None:
        subscribed: set[int] = set()
        while True:
            await self._wanted_changed.wait()
            self._wanted_changed.clear()
            wanted = set(self._watches)
            for command, mailbox_ids in (
                (pubsub.subscribe, sorted(wanted - subscribed)),
                (pubsub.unsubscribe, sorted(subscribed - wanted)),
            ):
                for start in range(0, len(mailbox_ids), SUBSCRIBE_CHUNK):
                    await command(*(f"{PREFIX}{one}" for one in mailbox_ids[start : start + SUBSCRIBE_CHUNK]))
            subscribed = wanted

    async def _hear(self, pubsub: "redis.asyncio.client.PubSub") -> None:
        while True:
            message: dict[str, Any] | None = await pubsub.get_message(timeout=None)
            # The confirmation counts as a notice too: what happened before it was heard by nobody.
            if message is not None and message["type"] in {"message", "subscribe"}:
                self._tell(int(message["channel"].removeprefix(PREFIX.encode())))

    # --- our own look -------------------------------------------------------------------------------------------

    async def _look_again_and_again(self) -> None:
        while True:
            interval = self._poll_seconds if self._is_connected else self._poll_away_seconds
            try:
                await asyncio.wait_for(self._look_now.wait(), interval)
            except TimeoutError:
                pass
            self._look_now.clear()
            mailbox_ids = list(self._watches)
            for start in range(0, len(mailbox_ids), POLL_CHUNK):
                await self._look(mailbox_ids[start : start + POLL_CHUNK])

    async def _look(self, mailbox_ids: Sequence[int]) -> None:
        try:
            modseqs = await in_store(self._poll, mailbox_ids)
        except StoreUnavailable:
            return  # the sessions notice by themselves
        except DatabaseError as error:  # a deadlock, a time-out: the next look is soon
            log.warning("cannot look at watched mailboxes", error=str(error).strip())
            return
        for mailbox_id in mailbox_ids:
            modseq = modseqs.get(mailbox_id)
            if mailbox_id not in self._watches:
                continue
            if mailbox_id not in self._modseqs or self._modseqs[mailbox_id] != modseq:
                self._modseqs[mailbox_id] = modseq
                self._tell(mailbox_id)


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("watcher failed", task=task.get_name(), exc_info=error)


async def _close_quietly(pubsub: "redis.asyncio.client.PubSub", client: "redis.asyncio.Redis") -> None:
    try:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()
    except (redis.RedisError, OSError):
        pass
