"""MTA-STS policies kept for all processes, in Postgres, until their time is over (RFC 8461 section 3.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, ParamSpec, Protocol, TypeVar

from delivery.relay.tls.mta_sts import KeptPolicy
from mailhost.net.database import cursor
from mailhost.protocols.mta_sts import PolicyInvalid, parse_policy

P = ParamSpec("P")
T = TypeVar("T")

USED_PRECISION: Final = timedelta(days=1)  # `used_at` says the day, and costs one statement in it

READ = b"""
SELECT policy, record_id, fetched_at, used_at FROM delivery_keptstspolicy WHERE domain = %s AND expires_at > %s
"""
USED = b"UPDATE delivery_keptstspolicy SET used_at = %s WHERE domain = %s"
WRITE = b"""
INSERT INTO delivery_keptstspolicy
       (domain, policy, record_id, fetched_at, expires_at, checked_at, used_at, failure)
VALUES (%(domain)s, %(policy)s, %(record_id)s, %(fetched_at)s, %(expires_at)s, %(fetched_at)s, %(fetched_at)s, '')
    ON CONFLICT (domain) DO UPDATE
   SET policy = excluded.policy, record_id = excluded.record_id, fetched_at = excluded.fetched_at,
       expires_at = excluded.expires_at, checked_at = excluded.checked_at, failure = ''
 WHERE delivery_keptstspolicy.fetched_at <= excluded.fetched_at
"""
# By who fetched it again: as long as no worker has fetched a newer one, and without a word on its being used.
RENEW = b"""
UPDATE delivery_keptstspolicy
   SET policy = %(policy)s, fetched_at = %(fetched_at)s, expires_at = %(expires_at)s, checked_at = %(fetched_at)s,
       failure = ''
 WHERE domain = %(domain)s AND record_id = %(record_id)s AND fetched_at <= %(fetched_at)s
"""
DUE = b"""
SELECT domain, record_id FROM delivery_keptstspolicy
 WHERE checked_at <= %(checked_before)s AND used_at > %(used_after)s AND expires_at > %(now)s
 ORDER BY checked_at LIMIT %(limit)s
"""
NOTE_FAILURE = b"UPDATE delivery_keptstspolicy SET checked_at = %s, failure = %s WHERE domain = %s"
REMOVE_EXPIRED = b"DELETE FROM delivery_keptstspolicy WHERE expires_at <= %s"


class RunInStore(Protocol):
    """StoreThreads.run, or in_store."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns, in a thread. Raises StoreUnavailable."""


@dataclass
class PostgresShelf:
    """As mta_sts.Shelf. Raises StoreUnavailable."""

    run: RunInStore
    clock: Callable[[], datetime]

    async def read(self, domain: str) -> KeptPolicy | None:
        """The policy that is kept, and holds."""
        return await self.run(read_policy, domain, now=self.clock())

    async def write(self, domain: str, kept: KeptPolicy) -> None:
        """In the place of an older one."""
        await self.run(write_policy, domain, kept)


def read_policy(domain: str, *, now: datetime) -> KeptPolicy | None:
    """The policy that is kept for mail to this domain, unless its time is over."""
    with cursor() as sql:
        row = sql.execute(READ, (domain, now)).fetchone()
        if row is None:
            return None
        policy, record_id, fetched_at, used_at = row
        if used_at + USED_PRECISION <= now:
            sql.execute(USED, (now, domain))
    try:
        return KeptPolicy(parse_policy(policy.encode()), record_id, fetched_at)
    except PolicyInvalid:  # somebody changed it by hand: it is fetched again
        return None


def write_policy(domain: str, kept: KeptPolicy) -> None:
    """Keeps it in the place of an older one."""
    with cursor() as sql:
        sql.execute(WRITE, _columns(domain, kept))


def renew_policy(domain: str, kept: KeptPolicy) -> None:
    """It was fetched again, by the record that led to it at first."""
    with cursor() as sql:
        sql.execute(RENEW, _columns(domain, kept))


def _columns(domain: str, kept: KeptPolicy) -> dict[str, object]:
    return {
        "domain": domain,
        "policy": "\n".join(kept.policy.lines),
        "record_id": kept.record_id,
        "fetched_at": kept.fetched_at,
        "expires_at": kept.expires_at,
    }


def due_for_refresh(
    *, checked_before: datetime, used_after: datetime, now: datetime, limit: int
) -> Sequence[tuple[str, str]]:
    """Domains whose policy is to be asked for again, with the ids of their records."""
    with cursor() as sql:
        asked = {"checked_before": checked_before, "used_after": used_after, "now": now, "limit": limit}
        return [(domain, record_id) for domain, record_id in sql.execute(DUE, asked)]


def note_failure(domain: str, *, failure: str, now: datetime) -> None:
    """It could not be fetched again, and holds on until its time is over."""
    with cursor() as sql:
        sql.execute(NOTE_FAILURE, (now, failure, domain))


def remove_expired(*, now: datetime) -> None:
    """Those that hold no longer."""
    with cursor() as sql:
        sql.execute(REMOVE_EXPIRED, (now,))
