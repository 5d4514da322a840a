"""The DNS tree walk: which records hold for a domain, and where its organization begins (RFC 9989 section 4.10)."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailhost.protocols.dmarc.record import DmarcRecord, find_record
from mailhost.protocols.dns_facts import NotFound
from mailhost.protocols.dns_names import can_be_looked_up

# RFC 9989 section 4.10 step 4: a longer name loses labels, so that a walk is eight look-ups at most.
MAX_LABELS: Final = 7

Txt = Callable[[str], Awaitable[Sequence[bytes]]]
"""Every TXT record of a name, the strings of each joined; raises what `protocols.dns_facts` has."""

RegistrableDomain = Callable[[str], str | None]
"""The domain, or the one above it, that the public suffix list takes for a registered one; None for a suffix."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What was found on the way up from start: domains that publish a record, the longest first."""

    start: str
    found: tuple[tuple[str, DmarcRecord], ...]

    def record_at(self, domain: str) -> DmarcRecord | None:
        return dict(self.found).get(domain)

    def organizational_domain(self, registrable: RegistrableDomain | None = None) -> str:
        """RFC 9989 section 4.10.2. Where no psd tag decides, the public suffix list may say that the walk went
        too far: a registry that publishes a record without psd=y would make one organization of its customers.
        """
        for domain, record in self.found:
            if record.psd == "n":
                return domain
            if record.psd == "y" and domain != self.start:
                return _last_labels(self.start, domain.count(".") + 2)
        if not self.found:
            return self.start
        highest = self.found[-1][0]
        listed = registrable(self.start) if registrable else None
        if listed and listed.endswith("." + highest):
            return listed
        return highest

    def policy_record(self, organizational_domain: str) -> tuple[str, DmarcRecord] | None:
        """(domain, record) that holds for start: its own, that of its organization, or that of the suffix
        above (RFC 9989 section 4.10.1)."""
        for domain in (self.start, organizational_domain):
            if record := self.record_at(domain):
                return domain, record
        above = [
            (domain, record) for domain, record in self.found if organizational_domain.endswith("." + domain)
        ]
        return above[0] if above else None


class TreeWalks:
    """The walks of one message: no name is asked for twice."""

    def __init__(self, txt: Txt) -> None:
        self._txt = txt
        self._records: dict[str, DmarcRecord | None] = {}

    async def record_at(self, domain: str) -> DmarcRecord | None:
        """The record at _dmarc below the domain. Raises TemporarilyUnavailable."""
        if domain not in self._records:
            self._records[domain] = await self._ask(f"_dmarc.{domain}")
        return self._records[domain]

    async def walk(self, start: str) -> Walk:
        """Up to the top, or to a record that says where an organization ends. Raises TemporarilyUnavailable."""
        found: list[tuple[str, DmarcRecord]] = []
        for domain in steps(start):
            record = await self.record_at(domain)
            if record is not None:
                found.append((domain, record))
                if record.psd in {"y", "n"}:
                    break
        return Walk(start, tuple(found))

    async def _ask(self, name: str) -> DmarcRecord | None:
        if not can_be_looked_up(name):
            return None
        try:
            return find_record(await self._txt(name))
        except NotFound:
            return None


def steps(start: str) -> Iterator[str]:
    """The domains of a walk, the longest first."""
    yield start
    for count in range(min(start.count("."), MAX_LABELS), 0, -1):
        yield _last_labels(start, count)


def _last_labels(domain: str, count: int) -> str:
    return ".".join(domain.split(".")[-count:])
