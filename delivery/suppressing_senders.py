"""Which accounts and domains have a suppression list at all: what a process of many sessions knows of it.

Nearly nobody sends to a suppressed address: so only those are asked about whose list is not empty. What this
knows is a superset, some seconds old: who is no more in it costs a look, and who has got a list just now may send to
what is on it once more.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from delivery.suppression import Suppressed, key_of, suppressed_among
from mailboxes.authentication import Principal
from mailhost.net.database import cursor
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress

ASK_AGAIN_SECONDS: Final = 5.0
READ_ALL_SECONDS: Final = 3_600.0  # so that who has none any more is forgotten
OVERLAP: Final = timedelta(minutes=2)  # a transaction that began so long ago may be committed now

# A step from one account to the next, however many entries each has.
ALL: Final = b"""
WITH RECURSIVE account(id) AS (
    (SELECT account_id FROM delivery_suppression WHERE account_id IS NOT NULL ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT account_id FROM delivery_suppression WHERE account_id > account.id ORDER BY account_id LIMIT 1)
      FROM account WHERE account.id IS NOT NULL)
SELECT id, NULL FROM account WHERE id IS NOT NULL
UNION ALL
SELECT NULL, name FROM domains_domain WHERE EXISTS (
       SELECT FROM delivery_suppression WHERE domain_id = domains_domain.id)
"""
CHANGED: Final = b"""
SELECT DISTINCT account_id, domain.name
  FROM delivery_suppression LEFT JOIN domains_domain domain ON domain.id = domain_id WHERE last_at > %s
"""

Owner = int | str
"""An account's id, or a domain's name."""


@dataclass(slots=True)
class SuppressingSenders:
    """One in a process."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    _owners: set[Owner] = field(default_factory=set)
    _all_at: float | None = None
    _asked_at: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def among(self, principal: Principal, addresses: Sequence[EmailAddress]) -> dict[str, Suppressed]:
        """Those of these that the account sends nothing to, by suppression.key_of. Raises StoreUnavailable."""
        async with self._lock:
            if self._all_at is None or self.monotonic() - self._asked_at >= ASK_AGAIN_SECONDS:
                await self._ask()
        domain = principal.address.domain if principal.address else ""
        if principal.account_id not in self._owners and domain not in self._owners:
            return {}
        keys = [key_of(each) for each in addresses]
        return await in_store(
            suppressed_among, account_id=principal.account_id, addresses=keys, now=self.clock()
        )

    async def _ask(self) -> None:
        now = self.monotonic()
        if self._all_at is None or now - self._all_at >= READ_ALL_SECONDS:
            self._owners = await in_store(_owners, since=None)
            self._all_at = now
        else:
            self._owners |= await in_store(_owners, since=self.clock() - OVERLAP)
        self._asked_at = now


def _owners(*, since: datetime | None) -> set[Owner]:
    """Of all entries, or of those that were written since then."""
    with cursor() as sql:
        rows = sql.execute(ALL) if since is None else sql.execute(CHANGED, (since,))
        return {account_id if account_id is not None else name for account_id, name in rows}
