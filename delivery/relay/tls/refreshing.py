"""MTA-STS policies that mail went by lately are fetched again each day, long before their time is over (RFC 8461
sections 3.3 and 10.2): so that nobody can wait for a moment without one.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from delivery.relay.tls import shelf
from delivery.relay.tls.mta_sts import Fetch, FetchFailed, KeptPolicy
from mailhost.protocols.mta_sts import StsPolicy

log = structlog.get_logger(__name__)

REFRESHED_AFTER: Final = timedelta(days=1)
USED_WITHIN: Final = timedelta(days=31)
AT_ONCE: Final = 10
POLICIES_A_ROUND: Final = 200  # with time-outs of 20 seconds all of them are done within 7 minutes


def refresh_policies(*, now: datetime, fetch: Fetch) -> int:
    """Fetches those that are due, and removes those that hold no longer; how many were fetched.

    Whether their records still stand in DNS does not matter: a domain that wants no policy any more says so in it.
    """
    due = shelf.due_for_refresh(
        checked_before=now - REFRESHED_AFTER, used_after=now - USED_WITHIN, now=now, limit=POLICIES_A_ROUND
    )
    fetched = 0
    answers = asyncio.run(_fetch_all([domain for domain, _ in due], fetch)) if due else ()
    for (domain, record_id), answer in zip(due, answers, strict=True):
        if isinstance(answer, FetchFailed):
            log.warning("an MTA-STS policy could not be fetched again", domain=domain, why=str(answer))
            shelf.note_failure(domain, failure=str(answer), now=now)
        else:
            shelf.renew_policy(domain, KeptPolicy(answer, record_id, now))
            fetched += 1
    shelf.remove_expired(now=now)
    return fetched


async def _fetch_all(domains: Sequence[str], fetch: Fetch) -> Sequence[StsPolicy | FetchFailed]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(domain: str) -> StsPolicy | FetchFailed:
        async with turns:
            try:
                return await fetch(domain)
            except FetchFailed as failed:
                return failed

    return await asyncio.gather(*map(one, domains))
