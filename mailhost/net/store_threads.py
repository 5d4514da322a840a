"""The seam between asyncio and Django: synchronous store functions run in a small pool of threads.

Each thread keeps one database connection for its life. `sync_to_async` would put all sessions of a process on
one thread, and a pool check-out for each call would cost half as much again as a small query.
"""

import asyncio
import functools
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

import psycopg
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from mailhost.net.database import plan_by_key

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

# While the database is away one thread a second tries to connect; the others answer at once, so that a
# database that does not even refuse (connect_timeout, 3 s) cannot make a queue of waiting sessions.
RETRY_CONNECTING_SECONDS = 1.0
# SQLSTATE classes that mean "not now" whatever was asked: connection exception, insufficient resources (disk
# full, too many connections), operator intervention (shutdown, crash recovery).
AWAY_CLASSES = ("08", "53", "57P")
CLOSE_TIMEOUT_SECONDS = 5.0


class StoreUnavailable(Exception):
    """The database is away or refuses for now. Lost in the middle, whether the work was committed is unknown."""


class NobodyWaits(Exception):
    """Whoever asked for this has gone: what only reads ends here."""


@dataclass(slots=True)
class Progress:
    """How far a function is, of how much in all (0: nobody knows). Its thread writes, the loop reads."""

    done: int = 0
    goal: int = 0


_watched: ContextVar[Progress | None] = ContextVar("_watched", default=None)
_thread = threading.local()


@contextmanager
def watching(progress: Progress) -> Iterator[None]:
    """What begins inside reports here."""
    token = _watched.set(progress)
    try:
        yield
    finally:
        _watched.reset(token)


def report(done: int, *, goal: int = 0) -> None:
    """In a store function that goes on for long: how far it is. Raises NobodyWaits."""
    call: _Call | None = getattr(_thread, "call", None)
    if call is None:
        return
    if call.future.done():
        raise NobodyWaits
    if call.progress is not None:
        call.progress.done, call.progress.goal = done, goal


class _Call:
    """One function on its way into a thread, and the future that waits for it."""

    __slots__ = ("function", "future", "loop", "progress")

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.function = function
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.progress = _watched.get()

    def resolve(self, result: Any, error: BaseException | None) -> None:
        """In the loop: hand over what came of it, unless nobody waits any longer."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class StoreThreads:
    """`size` threads, started when first needed, each with its own database connection.

    by_key: what they run are the same few statements, which find all rows by keys (database.plan_by_key).
    """

    def __init__(self, size: int, name: str, *, by_key: bool = False) -> None:
        self._size = size
        self._name = name
        self._by_key = by_key
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._pending = 0  # calls queued or running: a thread is started only where all others are busy
        self._closed = False
        self._away_until = 0.0

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in one of the threads. Raises what it raises, or StoreUnavailable.

        Cancelling the caller does not stop a function that has begun: it completes, and its result is
        dropped.
        """
        call = _Call(functools.partial(function, *args, **kwargs), asyncio.get_running_loop())
        self._submit(call)
        result: T = await call.future
        return result

    def _submit(self, call: _Call) -> None:
        with self._lock:
            if self._closed:
                raise StoreUnavailable("this process is shutting down")
            self._pending += 1
            if self._pending > len(self._threads) and len(self._threads) < self._size:
                name = f"{self._name}-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._calls.put(call)

    def close(self) -> None:
        """End the threads and their connections; what is running is given a few seconds."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
        for _ in threads:
            self._calls.put(None)
        deadline = time.monotonic() + CLOSE_TIMEOUT_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        """What each thread does."""
        while (call := self._calls.get()) is not None:
            result: Any = None
            error: BaseException | None = None
            if not call.future.done():  # a caller that was cancelled meanwhile needs nothing
                _thread.call = call
                try:
                    result = self._run_in_thread(call.function)
                except BaseException as raised:
                    error = raised
                _thread.call = None
            with self._lock:
                self._pending -= 1
            try:
                call.loop.call_soon_threadsafe(call.resolve, result, error)
            except RuntimeError:
                pass  # the loop is closed: nobody waits any longer
            del call, result, error  # an idle thread must hold on to no message
        connection.close()

    def _run_in_thread(self, function: Callable[[], T]) -> T:
        if connection.connection is not None and has_died_idle(connection.connection):
            connection.close()
        if connection.connection is None and time.monotonic() < self._away_until:
            raise StoreUnavailable("the database is away")
        was_connected = connection.connection is not None
        try:
            if self._by_key and not was_connected:
                plan_by_key()
            return function()
        except (OperationalError, InterfaceError) as error:
            # Nothing of these is the caller's doing: a lost connection, and also a deadlock, a time-out, a full disk.
            is_lost = _is_lost(error)
            if is_lost:
                connection.close()
                if not was_connected:
                    self._away_until = time.monotonic() + RETRY_CONNECTING_SECONDS
            log.warning(
                "store unavailable",
                pool=self._name,
                lost=is_lost,
                error=str(error).strip().partition("\n")[0],
            )
            raise StoreUnavailable(
                "the database is away" if is_lost else "the database refuses for now"
            ) from error


def has_died_idle(raw: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Whether the idle connection was closed by the other end (a restart of Postgres), found without asking
    it.

    On an idle connection there is nothing to read but a notice or the end. Either way a new one is safe.
    """
    if raw.closed:
        return True
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _is_lost(error: Exception) -> bool:
    """Whether the error says that the database is away, rather than that it refused this one statement."""
    raw = connection.connection
    if raw is None or raw.closed:
        return True
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    return state is not None and state.startswith(AWAY_CLASSES)


@functools.cache
def _default_threads() -> StoreThreads:
    return StoreThreads(settings.STORE_THREADS, "store")


async def in_store(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one store function, that is one transaction, in this process's store threads.

    Raises what the function raises, or StoreUnavailable within seconds where the database is away.
    """
    return await _default_threads().run(function, *args, **kwargs)


def close_store_threads() -> None:
    """End the default threads; the next in_store starts new ones."""
    if _default_threads.cache_info().currsize:
        _default_threads().close()
        _default_threads.cache_clear()
