"""How many sessions one account may have in this process: a client that goes wild must not take them all.

Counted in the process: nothing to ask on the way in, nothing that goes wrong with Valkey, nothing left behind by a
process that died. With n processes on the port an account may have n times as many.
"""

import ipaddress
from collections import Counter
from collections.abc import Sequence

from mailhost.net.listeners import Network


class AccountSessions:
    """Sessions by account. Those from trusted networks are let in whatever the count."""

    def __init__(self, *, at_most: int, trusted: Sequence[Network] = ()) -> None:
        self._at_most = at_most
        self._trusted = tuple(trusted)
        self._counts: Counter[int] = Counter()

    def admit(self, account_id: int, peer: str) -> bool:
        """Count one more, or say no. Each admitted one is to be released."""
        if self._counts[account_id] >= self._at_most and not self._is_trusted(peer):
            return False
        self._counts[account_id] += 1
        return True

    def release(self, account_id: int) -> None:
        """One less."""
        self._counts[account_id] -= 1
        if self._counts[account_id] <= 0:
            del self._counts[account_id]

    def _is_trusted(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer)
        return any(address in network for network in self._trusted)
