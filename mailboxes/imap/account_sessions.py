"""How many sessions one account may have: a client that goes wild must not take them all.

Counted with what other processes have (mailhost/net/shared_counts.py), which costs nothing on the way in.
"""

import ipaddress
from collections.abc import Sequence

from mailhost.net.connection_limits import Network
from mailhost.net.shared_counts import SharedCounts


class AccountSessions:
    """Sessions by account. Those from trusted networks are let in whatever the count."""

    def __init__(self, *, at_most: int, trusted: Sequence[Network] = ()) -> None:
        self.by_account = SharedCounts("imap-sessions", at_most=at_most)
        self._trusted = tuple(trusted)

    def admit(self, account_id: int, peer: str) -> bool:
        """Count one more, or say no. Each admitted one is to be released."""
        key = str(account_id)
        if self.by_account.is_full(key) and not self._is_trusted(peer):
            return False
        self.by_account.add(key)
        return True

    def release(self, account_id: int) -> None:
        """One less."""
        self.by_account.remove(str(account_id))

    def _is_trusted(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer)
        return any(address in network for network in self._trusted)
