"""How many octets of messages may be on their way in at once, over all sessions of a process.

A message that is appended stands in memory until it is stored. Who comes when all is taken waits for others to be
done: a client that waits for our `+` waits for that, the octets of one that does not stay in its socket.
"""

import asyncio
from collections import deque


class MessageBudget:
    """First come, first served. To be used in the loop."""

    def __init__(self, octets: int) -> None:
        self._free = self._all = octets
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, octets: int, *, timeout: float) -> bool:
        """Wait until so many are free and take them; False where that does not come about in time."""
        if octets > self._all:
            return False
        if not self._waiting and octets <= self._free:
            self._free -= octets
            return True
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((octets, turn))
        try:
            await asyncio.wait((turn,), timeout=timeout)
        except asyncio.CancelledError:
            if turn.done():
                self.give_back(octets)
            raise
        finally:
            if not turn.done():
                self._waiting = deque(each for each in self._waiting if each[1] is not turn)
                self._serve()  # who came behind may have room
        return turn.done()

    def give_back(self, octets: int) -> None:
        self._free += octets
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            octets, turn = self._waiting.popleft()
            self._free -= octets
            turn.set_result(None)


class Held:
    """What one session has taken; all of it is given back together."""

    def __init__(self, budget: MessageBudget) -> None:
        self._budget = budget
        self._octets = 0

    async def take(self, octets: int, *, timeout: float) -> bool:
        """As MessageBudget has it."""
        if not await self._budget.take(octets, timeout=timeout):
            return False
        self._octets += octets
        return True

    def give_back(self) -> None:
        octets, self._octets = self._octets, 0
        if octets:
            self._budget.give_back(octets)
