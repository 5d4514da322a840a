"""The open connections of a look at one destination, and which of its hosts is spoken to next.

Hosts come in their order (RFC 5321 section 5.1), those of equal rank racing (racing.py), each with room of its own.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from delivery.relay.connection import ConnectFailed, RelayConnection
from delivery.relay.host_room import HostRoom
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Bounced, Deferred, Peer
from delivery.relay.pace import Pace
from delivery.relay.racing import Connect, first_connected
from delivery.relay.wire import Wire, WireLost

MAX_LOSSES: Final = 2  # connections to one host that went before one message was through

Dial = Callable[[NextHop, Wire], Awaitable[RelayConnection]]


@dataclass(slots=True, eq=False)
class Line:
    """A connection, and where it leads."""

    hop: NextHop
    connection: RelayConnection


@dataclass
class Lines:
    """`failure` is set where no host is left; `reached`: one was there."""

    hops: Sequence[NextHop]
    connect: Connect
    dial: Dial  # over what was connected
    pace: Pace
    hosts: HostRoom
    max_messages: int  # over one connection
    failure: Deferred | Bounced | None = None
    reached: bool = False
    open: list[Line] = field(default_factory=list)
    _useless: set[NextHop] = field(default_factory=set)
    _refusals: list[Deferred | Bounced] = field(default_factory=list)
    _losses: dict[NextHop, int] = field(default_factory=dict)

    def full(self) -> set[str]:
        """The addresses of the hosts that are left, where none of them has room."""
        left = [hop.address for hop in self.hops if hop not in self._useless]
        return set(left) if all(self.hosts.is_full(each) for each in left) else set()

    async def good(self, line: Line | None) -> Line | None:
        """This one or a new one; None where no host takes one now."""
        if line is not None:
            if line.connection.is_usable and line.connection.completed < self.max_messages:
                return line
            await line.connection.quit()
            self.drop(line)
        while (found := await self._connected()) is not None:
            hop, wire = found
            try:
                line = Line(hop, await self.dial(hop, wire))
            except BaseException as error:
                self.hosts.give_back(hop.address)
                if not isinstance(error, ConnectFailed):
                    raise
                if self.open:
                    self.pace.limit(len(self.open))
                    return None  # it takes no further connection; those that are open go on
                self._give_up(hop, error.outcome)
            else:
                self.reached = True
                self.open.append(line)
                return line
        if not self.open and self._refusals and all(hop in self._useless for hop in self.hops):
            deferrals = [each for each in self._refusals if isinstance(each, Deferred)]
            self.failure = self.failure or (deferrals or self._refusals)[0]
        return None

    async def beside(self, tried: set[str]) -> Line | None:
        """A connection to a host of another name, for one message; None where there is none. `tried` takes the name."""
        for hop in self.hops:
            if hop.host in tried or hop in self._useless or not self.hosts.take(hop.address):
                continue
            try:
                line = Line(hop, await self.dial(hop, await self.connect(hop)))
            except BaseException as error:
                self.hosts.give_back(hop.address)
                if not isinstance(error, ConnectFailed | WireLost):
                    raise
            else:
                tried.add(hop.host)
                self.open.append(line)
                return line
        return None

    def drop(self, line: Line) -> None:
        """It is closed, and its place is another's."""
        line.connection.abort()
        if line in self.open:
            self.open.remove(line)
            self.hosts.give_back(line.hop.address)

    def lost(self, line: Line, outcome: Deferred) -> None:
        """It went before one message was through: a host that keeps doing so is given up."""
        self._losses[line.hop] = self._losses.get(line.hop, 0) + 1
        if self._losses[line.hop] >= MAX_LOSSES:
            self._give_up(line.hop, outcome)

    async def _connected(self) -> tuple[NextHop, Wire] | None:
        """Of the hosts that are left, one of the best rank that answers; None where none does."""
        for _, equals in groupby(self.hops, key=lambda hop: hop.rank):
            left = [hop for hop in equals if hop not in self._useless]
            hops = [hop for hop in left if not self.hosts.is_full(hop.address)]
            if left and not hops:
                return None  # no worse host for want of room at a better one
            failures: dict[NextHop, WireLost] = {}
            found = await first_connected(hops, connect=self._connect, failures=failures, let_go=self._let_go)
            if any(isinstance(each, _NoRoom) for each in failures.values()) and found is None:
                return None  # others were faster
            if self.open and found is None and failures:
                self.pace.limit(len(self.open))
                return None
            for hop, lost in failures.items():
                if not self.open and not isinstance(lost, _NoRoom):
                    self._give_up(hop, Deferred("4.4.1", str(lost), Peer(hop.host, hop.address)))
            if found is not None:
                return found
        return None

    async def _connect(self, hop: NextHop) -> Wire:
        """With a place at the host, which is kept for as long as the connection lives."""
        if not self.hosts.take(hop.address):
            raise _NoRoom("Other destinations have all connections to this host.")
        try:
            return await self.connect(hop)
        except BaseException:
            self.hosts.give_back(hop.address)
            raise

    def _let_go(self, hop: NextHop, wire: Wire) -> None:
        wire.lose("Another address answered first.")
        self.hosts.give_back(hop.address)

    def _give_up(self, hop: NextHop, outcome: Deferred | Bounced) -> None:
        self._useless.add(hop)
        self._refusals.append(outcome)


class _NoRoom(WireLost):
    """As many connections to this host are open as one process may have."""
