"""That mailbox N changed, or which mailboxes account N has: told to every process over Redis pub/sub, after commit.

One channel for each mailbox and each account. Notices say nothing but that, and may be lost: whoever hears one looks
into the store. Every 15 s, more often while Redis is away, each process also asks the store once for all it watches.
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

MAILBOX = "mailbox."
ACCOUNT = "account."
EVERYBODY = 0  # no account has this id: what concerns all of them is announced to it
ANCHOR = "mailbox.0"  # no mailbox has this id; a subscription to hold the connection while nothing is watched
STOP_AGAIN_SECONDS = 0.5
STOP_ATTEMPTS = 6
POLL_SECONDS = 15.0
POLL_AWAY_SECONDS = 5.0
RECONNECT_SECONDS = 1.0
POLL_CHUNK = 5_000  # mailboxes or accounts asked for in one query
SUBSCRIBE_CHUNK = 500

Poll = Callable[[Sequence[int]], Mapping[int, int]]
Callback = Callable[[], None]


def announce(mailbox_ids: Iterable[int]) -> None:
    """Tell every watcher that these mailboxes changed; takes microseconds, for it waits for no answer.

    Where Redis hangs it takes 0.2 s once in five seconds. Never raises for a Redis away.
    """
    _publish(f"{MAILBOX}{mailbox_id}" for mailbox_id in mailbox_ids)


def announce_account(account_ids: Iterable[int]) -> None:
    """As announce: which mailboxes these accounts have, their names, subscriptions or metadata changed."""
    _publish(f"{ACCOUNT}{account_id}" for account_id in account_ids)


def _publish(channels: Iterable[str]) -> None:
    commands = [("PUBLISH", channel, b"") for channel in channels]
    if not commands:
        return
    try:
        shared_breaker().send(commands)
    except RedisAway:
        pass  # the watchers' own look will find it


class Watch:
    """One session's interest in a mailbox or an account; close() ends it."""

    __slots__ = ("_callback", "_topic", "_watcher", "number")

    def __init__(self, watcher: "Watcher", topic: "_Topic", number: int, callback: Callback) -> None:
        self._watcher = watcher
        self._topic = topic
        self._callback = callback
        self.number = number

    def tell(self) -> None:
        """Call back: something may have changed."""
        self._callback()

    def close(self) -> None:
        """No more calls. May be called twice."""
        self._watcher._forget(self, self._topic)


class _Topic:
    """What can be watched: mailboxes, or accounts. `poll` gives a number for each that is another after a change."""

    __slots__ = ("marks", "poll", "prefix", "watches")

    def __init__(self, prefix: str, poll: Poll) -> None:
        self.prefix = prefix
        self.poll = poll
        self.watches: dict[int, set[Watch]] = {}
        self.marks: dict[int, int | None] = {}  # as of the last look; None: it was gone

    def tell(self, number: int) -> None:
        for watch in tuple(self.watches.get(number, ())):
            watch.tell()

    def channels(self) -> Iterable[str]:
        return (f"{self.prefix}{number}" for number in self.watches)


class Watcher:
    """One for each process: one Redis connection, however many sessions watch.

    `poll` is a synchronous store function that gives the highest modseq of each mailbox that still exists;
    `poll_accounts` gives a number for each account that is another where its mailboxes, their names, subscriptions or
    metadata are others.
    """

    def __init__(
        self,
        poll: Poll,
        *,
        poll_accounts: Poll = lambda account_ids: {},
        redis_url: str | None = None,
        poll_seconds: float = POLL_SECONDS,
        poll_away_seconds: float = POLL_AWAY_SECONDS,
    ) -> None:
        self._mailboxes = _Topic(MAILBOX, poll)
        self._accounts = _Topic(ACCOUNT, poll_accounts)
        self._topics = (self._mailboxes, self._accounts)
        self._redis_url = redis_url
        self._poll_seconds = poll_seconds
        self._poll_away_seconds = poll_away_seconds
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
        for topic in self._topics:
            topic.watches.clear()

    @property
    def is_connected(self) -> bool:
        """Whether notices come in now."""
        return self._is_connected

    def watch(self, mailbox_id: int, callback: Callback) -> Watch:
        """Have `callback()` called in the loop whenever the mailbox may have changed; sometimes it has not.

        Watch first and read the mailbox then. For an IMAP session the callback is its connection's nudge().
        """
        return self._watch(self._mailboxes, mailbox_id, callback)

    def watch_account(self, account_id: int, callback: Callback) -> Watch:
        """As watch, for what announce_account tells of. EVERYBODY: what concerns all accounts."""
        return self._watch(self._accounts, account_id, callback)

    def _watch(self, topic: _Topic, number: int, callback: Callback) -> Watch:
        watch = Watch(self, topic, number, callback)
        watches = topic.watches.setdefault(number, set())
        if not watches:
            self._wanted_changed.set()
        watches.add(watch)
        return watch

    def _forget(self, watch: Watch, topic: _Topic) -> None:
        watches = topic.watches.get(watch.number)
        if watches is None or watch not in watches:
            return
        watches.discard(watch)
        if not watches:
            del topic.watches[watch.number]
            topic.marks.pop(watch.number, None)
            self._wanted_changed.set()

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
        subscribed: set[str] = set()
        while True:
            await self._wanted_changed.wait()
            self._wanted_changed.clear()
            wanted = {channel for topic in self._topics for channel in topic.channels()}
            for command, channels in (
                (pubsub.subscribe, sorted(wanted - subscribed)),
                (pubsub.unsubscribe, sorted(subscribed - wanted)),
            ):
                for start in range(0, len(channels), SUBSCRIBE_CHUNK):
                    await command(*channels[start : start + SUBSCRIBE_CHUNK])
            subscribed = wanted

    async def _hear(self, pubsub: "redis.asyncio.client.PubSub") -> None:
        while True:
            message: dict[str, Any] | None = await pubsub.get_message(timeout=None)
            # The confirmation counts as a notice too: what happened before it was heard by nobody.
            if message is not None and message["type"] in {"message", "subscribe"}:
                prefix, _, number = message["channel"].decode("ascii").partition(".")
                for topic in self._topics:
                    if topic.prefix == f"{prefix}.":
                        topic.tell(int(number))

    # --- our own look -------------------------------------------------------------------------------------------

    async def _look_again_and_again(self) -> None:
        while True:
            interval = self._poll_seconds if self._is_connected else self._poll_away_seconds
            try:
                await asyncio.wait_for(self._look_now.wait(), interval)
            except TimeoutError:
                pass
            self._look_now.clear()
            for topic in self._topics:
                numbers = list(topic.watches)
                for start in range(0, len(numbers), POLL_CHUNK):
                    await self._look(topic, numbers[start : start + POLL_CHUNK])

    async def _look(self, topic: _Topic, numbers: Sequence[int]) -> None:
        try:
            marks = await in_store(topic.poll, numbers)
        except StoreUnavailable:
            return  # the sessions notice by themselves
        except DatabaseError as error:  # a deadlock, a time-out: the next look is soon
            log.warning("cannot look at what is watched", topic=topic.prefix, error=str(error).strip())
            return
        for number in numbers:
            if number not in topic.watches:
                continue
            mark = marks.get(number)
            if number not in topic.marks or topic.marks[number] != mark:
                topic.marks[number] = mark
                topic.tell(number)


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("watcher failed", task=task.get_name(), exc_info=error)


async def _close_quietly(pubsub: "redis.asyncio.client.PubSub", client: "redis.asyncio.Redis") -> None:
    try:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()
    except (redis.RedisError, OSError):
        pass
