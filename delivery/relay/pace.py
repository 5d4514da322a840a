"""How many connections one destination is sent over: few at first, more while it takes mail, half where it objects.

Growth is by one connection (additive), the way back by halves, so that many senders of one receiver come to rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome

FIRST_CONNECTIONS: Final = 2  # to a destination that nothing is known of
DELIVERIES_TO_GROW: Final = 5  # transactions taken, for each connection there is


@dataclass
class Pace:
    """`connections` at once now, between 1 and `most`."""

    connections: int
    most: int
    _taken: int = 0
    _passed_over: int = 0  # answers still to come of connections that were open when it objected

    def __post_init__(self) -> None:
        self.connections = max(1, min(self.connections, self.most))

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes of one transaction."""
        if any(is_objection(each) for each in outcomes):
            self.object()
        elif any(isinstance(each, Delivered) for each in outcomes):
            self._passed_over = max(0, self._passed_over - 1)
            self._taken += 1
            if self._taken >= DELIVERIES_TO_GROW * self.connections and self.connections < self.most:
                self._taken = 0
                self.connections += 1

    def limit(self, connections: int) -> None:
        """It takes no more than these now: no others are tried in this look."""
        self.most = max(1, connections)
        self.connections = min(self.connections, self.most)

    def object(self) -> None:
        """It asks for less. What the other connections hear at the same time is the same objection."""
        self._taken = 0
        if self._passed_over:
            self._passed_over -= 1
            return
        self._passed_over = self.connections - 1
        self.connections = max(1, self.connections // 2)


def is_objection(outcome: Outcome) -> bool:
    """421, which is about the connection, or 4.7.x, which is about who sends (RFC 3463 section 3.8)."""
    if isinstance(outcome, Delivered | Bounced):
        return False
    return isinstance(outcome, Deferred) and (
        outcome.reply.startswith("421") or outcome.status.startswith("4.7.")
    )
