"""How many octets of messages one process holds while it sends them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class OctetBudget:
    """Many may hold up to `limit` octets together; one message that is larger goes alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, octets: int) -> AsyncIterator[None]:
        """Waits until there is room, and keeps it for as long as the block runs."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._held == 0 or self._held + octets <= self._limit)
            self._held += octets
        try:
            yield
        finally:
            self._held -= octets
            async with self._freed:
                self._freed.notify_all()
