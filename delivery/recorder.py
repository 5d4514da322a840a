"""Writes outcomes back for all destinations of a process: what comes in while one commit runs goes into the next."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import structlog

from delivery.patient_store import AGAIN_SECONDS
from delivery.queue.outcomes import Recorded, record
from delivery.queue.values import Claim, RecipientResult
from mailhost.net.store_threads import StoreThreads, StoreUnavailable

log = structlog.get_logger(__name__)


@dataclass
class Recorder:
    """One transaction at a time."""

    threads: StoreThreads
    clock: Callable[[], datetime]
    random: Random
    _waiting: dict[Claim, Sequence[RecipientResult]] = field(default_factory=dict)
    _futures: dict[Claim, asyncio.Future[Recorded]] = field(default_factory=dict)
    _writing: asyncio.Task[None] | None = None

    async def write(self, claim: Claim, results: Sequence[RecipientResult]) -> Recorded:
        """Returns once it is committed; a claim has one caller at a time.

        However long the database is away: nobody else can claim then, and the token tells who was faster afterwards.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting[claim], self._futures[claim] = results, future
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="write outcomes")
        recorded: Recorded = await future
        return recorded

    async def _write_all(self) -> None:
        while self._waiting:
            results, self._waiting = self._waiting, {}
            futures, self._futures = self._futures, {}
            if not await self._settle(results, futures) and len(results) > 1:
                for claim in results:  # one of them is bad: each again by itself
                    await self._settle({claim: results[claim]}, {claim: futures[claim]})

    async def _settle(
        self, results: dict[Claim, Sequence[RecipientResult]], futures: dict[Claim, asyncio.Future[Recorded]]
    ) -> bool:
        """Tells who waits; of a failure only where it is one's own."""
        try:
            recorded = await self._record(results)
        except Exception as error:  # whoever waits is told, whatever it was
            for future in futures.values() if len(futures) == 1 else ():
                if not future.done():
                    future.set_exception(error)
            return False
        for claim, future in futures.items():
            if not future.done():
                future.set_result(recorded[claim])
        return True

    async def _record(self, results: dict[Claim, Sequence[RecipientResult]]) -> dict[Claim, Recorded]:
        while True:
            try:
                return await self.threads.run(record, results=results, now=self.clock(), random=self.random)
            except StoreUnavailable:
                log.warning("outcomes wait: the database is away", destinations=len(results))
                await asyncio.sleep(AGAIN_SECONDS)
