"""How many connections there may be, in all and from one address."""

import functools
import ipaddress
from collections.abc import Sequence

from mailhost.net.peer_addresses import KNOWN_ADDRESSES, plain_address
from mailhost.net.shared_counts import SharedCounts

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConnectionLimits:
    """How many connections at once: in all, and from one address (IPv6: one /64, which is one customer).

    `name` is what other processes call the same door: where by_address is exchanged, addresses count in all of them.
    """

    def __init__(
        self, *, total: int, per_address: int, trusted: Sequence[Network] = (), name: str = ""
    ) -> None:
        self._total = total
        self._trusted = tuple(trusted)
        self._count = 0
        self.by_address = SharedCounts(name, at_most=per_address)
        self._key = functools.lru_cache(maxsize=KNOWN_ADDRESSES)(self._network)

    def admit(self, address: str) -> bool:
        """Count one more from there, or say no. Each admitted one is to be released."""
        key = self._key(address)
        if key is not None and (self._count >= self._total or self.by_address.is_full(key)):
            return False
        self._count += 1
        if key is not None:
            self.by_address.add(key)
        return True

    def release(self, address: str) -> None:
        """One less from there."""
        self._count -= 1
        key = self._key(address)
        if key is not None:
            self.by_address.remove(key)

    def _network(self, address: str) -> str | None:
        """What its connections count for; None where they do not."""
        parsed = ipaddress.ip_address(plain_address(address))
        if any(parsed in network for network in self._trusted):
            return None
        if parsed.version == 6:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        return str(parsed)
