"""Which clients have shown that they wait for a greeting (see greeting.py)."""

from collections import OrderedDict
from typing import Final

KNOWN_SECONDS: Final = 86_400.0
MAX_KNOWN: Final = 20_000  # addresses; who was forgotten waits once more


class Patient:
    """Addresses that have waited for a greeting lately. `now` is the event loop's clock."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def knows(self, address: str, *, now: float) -> bool:
        """Whether it has waited within the last day."""
        return self._until.get(address, 0) > now

    def remember(self, address: str, *, now: float) -> None:
        """It has waited; beyond the bound the one that is known longest is forgotten."""
        self._until.pop(address, None)
        self._until[address] = now + KNOWN_SECONDS
        if len(self._until) > MAX_KNOWN:
            self._until.popitem(last=False)
