"""Which MTA-STS policy a domain has: its record, its policy by HTTPS, and what is kept of it (RFC 8461).

A policy that was fetched once holds for its time, whatever DNS and the web server say meanwhile (section 3.3, 5.1):
so who can interrupt them cannot take it away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from mailhost.net.resolver import LookUpFailed, Resolver
from mailhost.protocols.mta_sts import Mode, NoRecord, StsPolicy, record_id

T = TypeVar("T")

# RFC 8461 section 3.3: five minutes or more between attempts where the policy of a record's id could not be fetched.
FETCH_AGAIN: Final = timedelta(minutes=5)
# How long this process goes by what it knows: another one may have fetched meanwhile.
REMEMBERED: Final = timedelta(minutes=1)
REMEMBERED_DOMAINS: Final = 10_000


class FetchFailed(Exception):
    """No policy came. The text is a sentence; `result` is a result type of RFC 8460 section 4.3."""

    def __init__(self, result: str, text: str) -> None:
        super().__init__(text)
        self.result = result


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy as it was fetched. record_id: of the record that led to it."""

    policy: StsPolicy
    record_id: str
    fetched_at: datetime

    @property
    def expires_at(self) -> datetime:
        """Until then it holds (RFC 8461 section 3.2, max_age)."""
        return self.fetched_at + timedelta(seconds=self.policy.max_age_seconds)


Fetch = Callable[[str], Awaitable[StsPolicy]]
"""The policy that a domain's web server has. Raises FetchFailed."""


class Shelf(Protocol):
    """Where policies are kept for all processes."""

    async def read(self, domain: str) -> KeptPolicy | None:
        """The one that is kept; None where there is none, or its time is over."""

    async def write(self, domain: str, kept: KeptPolicy) -> None:
        """In the place of the one before."""


@dataclass(frozen=True, slots=True)
class Found:
    """policy: what holds now, None where nothing does. failure: why there is no newer one, though a record says so."""

    policy: StsPolicy | None
    failure: FetchFailed | None = None


@dataclass
class StsPolicies:
    """Of all domains, as one process finds them."""

    resolver: Resolver
    fetch: Fetch
    shelf: Shelf
    clock: Callable[[], datetime]
    _remembered: OrderedDict[str, tuple[datetime, KeptPolicy | None]] = field(default_factory=OrderedDict)
    _failed: OrderedDict[str, tuple[datetime, str, FetchFailed]] = field(default_factory=OrderedDict)

    async def find(self, domain: str) -> Found:
        """What holds for mail to this domain now. Raises nothing that is to be expected."""
        record, kept = await asyncio.gather(self._record(domain), self._kept(domain))
        failure = None
        if record is not None and (kept is None or kept.record_id != record):
            try:
                kept = await self._fetched(domain, record)
            except FetchFailed as failed:
                failure = failed  # RFC 8461 section 5.1: the one that is kept holds on
        policy = kept.policy if kept is not None and kept.policy.mode is not Mode.NONE else None
        return Found(policy, failure)

    async def _record(self, domain: str) -> str | None:
        try:
            return record_id(await self.resolver.txt(f"_mta-sts.{domain}"))
        except (NoRecord, LookUpFailed):
            return None

    async def _kept(self, domain: str) -> KeptPolicy | None:
        now = self.clock()
        known = self._remembered.get(domain)
        if known is not None and known[0] <= now < known[0] + REMEMBERED:
            kept = known[1]
        else:
            kept = await self.shelf.read(domain)
            _remember(self._remembered, domain, (now, kept))
        return kept if kept is not None and now < kept.expires_at else None

    async def _fetched(self, domain: str, record: str) -> KeptPolicy:
        now = self.clock()
        if (known := self._failed.get(domain)) is not None:
            since, failed_record, failure = known
            if now < since + FETCH_AGAIN and failed_record == record:
                raise failure
            del self._failed[domain]
        try:
            policy = await self.fetch(domain)
        except FetchFailed as failed:
            _remember(self._failed, domain, (now, record, failed))
            raise
        kept = KeptPolicy(policy, record, self.clock())
        await self.shelf.write(domain, kept)
        _remember(self._remembered, domain, (kept.fetched_at, kept))
        return kept


def _remember(memory: OrderedDict[str, T], domain: str, what: T) -> None:
    memory[domain] = what
    if len(memory) > REMEMBERED_DOMAINS:
        memory.popitem(last=False)
