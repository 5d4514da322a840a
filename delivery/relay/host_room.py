"""How many connections one process has to one address, whatever domains they are for: many domains share a host."""

import asyncio
from collections import Counter
from collections.abc import Collection


class HostRoom:
    """At most `most` connections to each address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()
        self._freed = asyncio.Event()

    def is_full(self, address: str) -> bool:
        """No other connection fits."""
        return self._open[address] >= self._most

    def is_wanted(self, address: str) -> bool:
        """Somebody waits for a connection to it."""
        return address in self._wanted

    def take(self, address: str) -> bool:
        """Counts one connection more; False where none fits."""
        if self.is_full(address):
            return False
        self._open[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """One that was taken is closed."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]  # no address is kept for ever
        self._freed.set()
        self._freed = asyncio.Event()

    async def wait(self, addresses: Collection[str], *, seconds: float) -> bool:
        """Until one of them has room; False where none has had any for so long."""
        self._wanted += Counter(addresses)
        try:
            async with asyncio.timeout(seconds):
                while all(self.is_full(each) for each in addresses):
                    await self._freed.wait()
        except TimeoutError:
            return False
        finally:
            self._wanted -= Counter(addresses)
        return True
