"""The leases of this process's sessions (RFC 1939 section 4), renewed all together by one task."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from django.conf import settings
from django.db import DatabaseError

from mailboxes.store.maildrop import free_lease, renew_leases
from mailhost.net.store_threads import StoreUnavailable, in_store

log = structlog.get_logger(__name__)

RENEWALS = 3  # in the life of a lease: one may fail
MIN_WAIT_SECONDS = 0.1


class Leases:
    """Holder by account. A holder is one session: two of this process exclude each other too."""

    def __init__(self) -> None:
        self._holders: dict[int, str] = {}

    @staticmethod
    def new_holder() -> str:
        """A name that no other session has."""
        return secrets.token_urlsafe(12)

    def hold(self, account_id: int, holder: str) -> None:
        """Renew this lease from now on."""
        self._holders[account_id] = holder

    def forget(self, account_id: int, holder: str) -> None:
        """No more."""
        if self._holders.get(account_id) == holder:
            del self._holders[account_id]

    async def free(self, account_id: int, holder: str) -> None:
        """The session is over; where the store is away its lease ends by itself."""
        self.forget(account_id, holder)
        try:
            await in_store(free_lease, account_id=account_id, holder=holder)
        except (StoreUnavailable, DatabaseError) as error:
            log.info("lease not freed", error=str(error))

    async def renew(self) -> None:
        """All of them, in one statement."""
        if not self._holders:
            return
        try:
            await in_store(renew_leases, holders=dict(self._holders), seconds=settings.POP3_LEASE_SECONDS)
        except (StoreUnavailable, DatabaseError) as error:
            log.warning("leases not renewed", count=len(self._holders), error=str(error))

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(max(settings.POP3_LEASE_SECONDS / RENEWALS, MIN_WAIT_SECONDS))
            await self.renew()


@asynccontextmanager
async def renewed_leases() -> AsyncIterator[Leases]:
    """Leases that are renewed until the end of the context."""
    leases = Leases()
    task = asyncio.create_task(leases._keep_renewing(), name="leases")
    try:
        yield leases
    finally:
        task.cancel()
