"""How one leaves for a next hop: from which address, under which name, with which TLS and login.

A pool has addresses of both families, each with a name of its own, as receivers hold the name in EHLO against what the
address says in DNS. One destination sees one address of a family for as long as the pool is the same: reputation is per
address, and a greylisted message comes back from where it came. Of many addresses the one with the largest hash is
taken (rendezvous hashing), so that a change moves few destinations.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from delivery.relay.demands import Demand

KEPT_SECONDS: Final = 60.0  # an address that comes or goes is noticed so soon


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a smarthost's account. allows_clear: they may be said where nobody was verified, or in clear."""

    login: str
    password: str = field(repr=False)
    allows_clear: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """An address of this machine, and the name said in EHLO from it; "" for this host's."""

    address: str
    ehlo_name: str = ""

    @property
    def is_six(self) -> bool:
        return ":" in self.address


@dataclass(frozen=True, slots=True)
class Departure:
    """Of one next hop: source and ehlo_name are "" where the system and this host's name decide."""

    source: str = ""
    ehlo_name: str = ""
    demand: Demand | None = None  # in place of the recipients' policies
    credentials: Credentials | None = None


AS_THE_SYSTEM_SAYS: Final = Departure()


def parse_source(text: str) -> Source:
    """ADDRESS [EHLO-NAME]. Raises ValueError with a sentence."""
    address, *names = text.split()
    if len(names) > 1:
        raise ValueError(f"{text!r} is not an address and a name.")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"{address!r} is no IP address.") from None
    if parsed.is_unspecified or parsed.is_multicast:
        raise ValueError(f"Nobody can send from {address}.")
    return Source(str(parsed), names[0].lower() if names else "")


class AddressesHere:
    """Which addresses this machine has: asked by binding to them, and remembered for a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, bool]] = {}

    def __contains__(self, address: object) -> bool:
        known = self._known.get(str(address))
        if known is None or known[0] <= self._clock():
            known = self._known[str(address)] = (self._clock() + KEPT_SECONDS, _can_bind(str(address)))
        return known[1]


def _can_bind(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as bound:
            bound.bind((address, 0))
    except OSError:
        return False
    return True


addresses_here: Final = AddressesHere()


def missing(sources: Iterable[Source], here: AddressesHere = addresses_here) -> list[str]:
    """Addresses of the pool that this machine does not have."""
    return [each.address for each in sources if each.address not in here]


def pick(
    sources: Sequence[Source], *, destination: str, here: AddressesHere = addresses_here
) -> dict[bool, Source]:
    """By whether it is IPv6: the one that this destination sees, of those that the machine has."""
    found: dict[bool, Source] = {}
    for is_six in (False, True):
        family = [each for each in sources if each.is_six is is_six and each.address in here]
        if family:
            found[is_six] = max(family, key=lambda each: _weight(destination, each.address))
    return found


def _weight(destination: str, address: str) -> bytes:
    return sha256(f"{destination} {address}".encode()).digest()
