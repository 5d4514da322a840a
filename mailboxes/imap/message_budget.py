"""How many octets of messages may be on their way in at once, over all sessions of a process.

A message that is appended stands in memory until it is stored. Who comes when all is taken waits for others to be
done: a client that waits for our `+` waits for that, the octets of one that does not stay in its socket. An account
has a share, so that one whose messages never come to an end does not keep everybody else from theirs.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class _Turn:
    octets: int
    account_id: int
    has_come: asyncio.Future[None]


class MessageBudget:
    """First come, first served. To be used in the loop. `share` is what one account may have of it (0: all)."""

    def __init__(self, octets: int, *, share: int = 0) -> None:
        self._free = octets
        self._share = min(share or octets, octets)
        self._taken: Counter[int] = Counter()  # by account
        self._waiting: list[_Turn] = []

    async def take(self, octets: int, *, account_id: int, timeout: float) -> bool:
        """Wait until so many are free and take them; False where that cannot be or does not come about in time."""
        if octets > self._share:
            return False
        if not self._waiting and octets <= self._free and self._taken[account_id] + octets <= self._share:
            self._free -= octets
            self._taken[account_id] += octets
            return True
        turn = _Turn(octets, account_id, asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._serve()
        try:
            if not turn.has_come.done():
                await asyncio.wait((turn.has_come,), timeout=timeout)
        except asyncio.CancelledError:
            if turn.has_come.done():
                self.give_back(octets, account_id=account_id)
            raise
        finally:
            if not turn.has_come.done():
                self._waiting.remove(turn)
                self._serve()  # who came behind may have room
        return turn.has_come.done()

    def give_back(self, octets: int, *, account_id: int) -> None:
        self._free += octets
        self._taken[account_id] -= octets
        if not self._taken[account_id]:
            del self._taken[account_id]
        if self._waiting:
            self._serve()

    def _serve(self) -> None:
        for turn in list(self._waiting):
            if self._taken[turn.account_id] + turn.octets > self._share:
                continue  # it waits for its own messages, and nobody else for it
            if turn.octets > self._free:
                return  # who came behind waits too, or large ones would never have their turn
            self._waiting.remove(turn)
            self._free -= turn.octets
            self._taken[turn.account_id] += turn.octets
            turn.has_come.set_result(None)


class Held:
    """What one session has taken; all of it is given back together."""

    def __init__(self, budget: MessageBudget) -> None:
        self._budget = budget
        self._taken: dict[int, int] = {}  # by account

    async def take(self, octets: int, *, account_id: int, timeout: float) -> bool:
        """As MessageBudget has it."""
        if not await self._budget.take(octets, account_id=account_id, timeout=timeout):
            return False
        self._taken[account_id] = self._taken.get(account_id, 0) + octets
        return True

    def give_back(self) -> None:
        if not self._taken:  # as before and after most commands
            return
        taken, self._taken = self._taken, {}
        for account_id, octets in taken.items():
            self._budget.give_back(octets, account_id=account_id)
