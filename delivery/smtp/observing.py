"""What sessions count for reports to other domains, and the writer that adds it up in the database beside them.

A process that is killed loses what it counted in the last seconds; no message waits for it.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from django.db import DatabaseError

from delivery.feedback.counting import count_messages
from delivery.feedback.observing import Observation
from delivery.feedback.tallying import Tally
from delivery.smtp.session import Session
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.smtp.replies import Reply

log = structlog.get_logger(__name__)

WAITING_SECONDS: Final = 5.0  # longer than the trace's: whoever agrees is one row
DOMAINS_AT_ONCE: Final = 100  # of one transaction


class ObservationWriter:
    """Of one process. note() waits for nothing."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._closing = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def note(self, observation: Observation) -> None:
        """To be written within some seconds."""
        self._tally.add(observation)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

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
                await in_store(count_messages, some)
            except StoreUnavailable:
                self._tally.put_back([*some, *waiting])
                return
            except DatabaseError as error:  # one bad row shall not keep all others out for ever
                log.error("messages not counted", domains=len(some), error=str(error).partition("\n")[0])


def note_observation(session: Session, observation: Observation | None, replies: Sequence[Reply]) -> None:
    """Counts a message that was taken or refused; one that was put off will be brought again, and counts then."""
    is_over = any(reply.code < 400 or reply.code >= 500 for reply in replies)
    if observation is not None and session.host.observe is not None and is_over:
        session.host.observe(observation)
