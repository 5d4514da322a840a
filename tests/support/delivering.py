"""The one-statement delivery, where a test has no event loop of its own."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from mailboxes.store.arrivals import Arrival, Arrivals, Arrived


def place_now(arrivals: Sequence[Arrival], *, now: datetime) -> list[Arrived | None]:
    """As Arrivals.place: committed when it returns, so the test needs the shared database."""

    async def run() -> list[Arrived | None]:
        opened = Arrivals()
        try:
            return await opened.place(arrivals, now=now)
        finally:
            await opened.close()

    return asyncio.run(run())
