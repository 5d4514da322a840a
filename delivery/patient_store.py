"""The database for whoever must not give up: asked again for as long as it is away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

import structlog

from mailhost.net.store_threads import StoreThreads, StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class PatientStore:
    """Of one look at a destination."""

    threads: StoreThreads
    destination: str

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """However long the database is away: what other servers have taken must be written back.

        Nobody else can claim while it is away, and where somebody was faster afterwards the token tells.
        """
        while True:
            try:
                return await self.threads.run(function, *args, **kwargs)
            except StoreUnavailable:
                await self.wait()

    async def wait(self) -> None:
        """A moment, before it is asked again."""
        log.warning("the database is away", destination=self.destination)
        await asyncio.sleep(AGAIN_SECONDS)
