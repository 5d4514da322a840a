"""How signing in with smarthosts went: who did not let this host in is left alone for a while.

Many destinations lead to one smarthost, and each would try its wrong password again: providers lock accounts for that.
So until a password is known to be right one connection tries it and the others wait, and after a refusal none does for
some minutes. Kept in memory, by what is said to whom: a new password is tried at once. What other processes were told
is asked for before a password is tried of which this one knows nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from delivery.relay.departure import Credentials
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred, Peer

FIRST_PAUSE: Final = timedelta(minutes=5)  # twice as long after each refusal in a row
LONGEST_PAUSE: Final = timedelta(minutes=30)
KEPT: Final = 1_000  # smarthosts with logins

Key = tuple[str, int, Credentials | None]


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when it is left alone, and what it said (status: 4.x.x)."""

    until: datetime
    status: str
    said: str


@dataclass
class _Standing:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_let_in: bool = False
    pause: timedelta = FIRST_PAUSE
    now: Pause | None = None


class Others(Protocol):
    """What other processes know, and are told (sign_in_pauses.py)."""

    async def known(self, hop: NextHop) -> Pause | None:
        """A pause that has not ended."""

    async def tell(self, hop: NextHop, pause: Pause) -> None:
        """One begins."""


@dataclass
class SignIns:
    """Of one process. others: None where there are none."""

    clock: Callable[[], datetime]
    others: Others | None = None
    _standings: OrderedDict[Key, _Standing] = field(default_factory=OrderedDict)

    def refusal(self, hop: NextHop) -> Deferred | None:
        """Why nobody is to sign in there now."""
        standing = self._standings.get(_key(hop))
        if standing is None or standing.now is None or standing.now.until <= self.clock():
            return None
        pause = standing.now
        until = pause.until.astimezone(UTC)
        said = pause.said.rstrip(".")
        text = f"{said}. It is left alone until {until:%H:%M} UTC, so that it does not lock the account."
        return Deferred(pause.status, text, Peer(hop.host, hop.address))

    @asynccontextmanager
    async def turn(self, hop: NextHop) -> AsyncIterator[None]:
        """Alone, until somebody was let in."""
        standing = self._standing(hop)
        if standing.is_let_in:
            yield
            return
        async with standing.turn:
            if self.others is not None and not standing.is_let_in and self.refusal(hop) is None:
                pause = await self.others.known(hop)
                if pause is not None:
                    self.learn(hop, pause)
            yield

    def note_success(self, hop: NextHop) -> None:
        """It let this host in."""
        standing = self._standing(hop)
        standing.is_let_in, standing.now, standing.pause = True, None, FIRST_PAUSE

    async def note_refusal(self, hop: NextHop, *, status: str, said: str) -> None:
        """It did not, and said so."""
        standing = self._standing(hop)
        standing.is_let_in = False
        if standing.now is None or standing.now.until <= self.clock():
            standing.now = Pause(self.clock() + standing.pause, status, said)
            standing.pause = min(standing.pause * 2, LONGEST_PAUSE)
            if self.others is not None:
                await self.others.tell(hop, standing.now)

    def learn(self, hop: NextHop, pause: Pause) -> None:
        """Another process was refused: the next pause is longer, whoever hears the next refusal."""
        standing = self._standing(hop)
        if standing.now != pause:
            standing.now = pause
            standing.pause = min(standing.pause * 2, LONGEST_PAUSE)

    def _standing(self, hop: NextHop) -> _Standing:
        key = _key(hop)
        standing = self._standings.setdefault(key, _Standing())
        self._standings.move_to_end(key)
        if len(self._standings) > KEPT:
            self._standings.popitem(last=False)
        return standing


def _key(hop: NextHop) -> Key:
    return hop.host, hop.port, hop.departure.credentials
