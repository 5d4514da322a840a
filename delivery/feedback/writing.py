"""Writes what a process counts into the database, some seconds later and beside its work.

A process that is killed loses what it counted in the last seconds; no message waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

import structlog
from django.db import DatabaseError

from delivery.feedback.tallying import Counted, Seen, Tally
from mailhost.net.store_threads import StoreUnavailable

log = structlog.get_logger(__name__)

H = TypeVar("H")
R = TypeVar("R", bound=Hashable)

WAITING_SECONDS: Final = 5.0  # longer than the trace's: whoever agrees is one row
DOMAINS_AT_ONCE: Final = 100  # of one transaction


class CountWriter(Generic[H, R]):
    """Of one process. note() waits for nothing. write: may raise StoreUnavailable, and what is noted waits then."""

    def __init__(self, write: Callable[[Sequence[Counted[H, R]]], Awaitable[None]]) -> None:
        self._store = write
        self._tally: Tally[H, R] = Tally()
        self._closing = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def note(self, seen: Seen[H, R]) -> None:
        """To be written within some seconds."""
        self._tally.add(seen)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all(), name="write counts")

    async def close(self) -> None:
        """Writes what waits. What is being written is not broken off: it would count twice, or not at all."""
        self._closing.set()
        if self._writing is not None:
            await self._writing
        await self._write()

    async def _write_all(self) -> None:
        try:
            while self._tally and not self._closing.is_set():
                await self._pause()
                await self._write()
        finally:
            self._writing = None

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), WAITING_SECONDS)
        except TimeoutError:
            pass

    async def _write(self) -> None:
        waiting = self._tally.take()
        while waiting:
            some, waiting = waiting[:DOMAINS_AT_ONCE], waiting[DOMAINS_AT_ONCE:]
            try:
                await self._store(some)
            except StoreUnavailable:
                self._tally.put_back([*some, *waiting])
                return
            except DatabaseError as error:  # one bad row shall not keep all others out for ever
                log.error("not counted", domains=len(some), error=str(error).partition("\n")[0])
