"""What one message from outside counts as in the report about its author's domain (RFC 9990).

Nothing is asked for it: all that is reported was found out for the verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.conf import settings

from delivery.filters.authentication import Authentication
from delivery.filters.authenticity import excuse_of
from delivery.findings import Action
from mailhost.protocols import dmarc
from mailhost.protocols.dmarc.aggregate_reports import Override, PublishedPolicy, Row
from mailhost.protocols.dmarc.aggregate_rows import passed_disposition, published_policy, row_of
from mailhost.protocols.dmarc.record import ReportUri

NOT_REFUSED: Final = Override("local_policy", "It was kept back here instead of being refused.")
NOT_JUDGED: Final = Override("local_policy", "It was for an address that leads to another host.")
TESTING: Final = Override("policy_test_mode")

Head = tuple[PublishedPolicy, tuple[ReportUri, ...]]
"""What a whole report has: the policy, and where reports about it are wanted."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One message. day: UTC's; policy and uris: of the record that holds for it; row: counts one."""

    day: date
    policy: PublishedPolicy
    uris: tuple[ReportUri, ...]
    row: Row

    @property
    def domain(self) -> str:
        """Who is told of it."""
        return self.policy.domain

    @property
    def head(self) -> Head:
        """As it was last seen, it is the report's."""
        return self.policy, self.uris


def observe(
    found: Authentication, *, actions: Sequence[Action], is_refused: bool, now: datetime
) -> Observation | None:
    """None where no record asks for reports.

    actions: of the verdicts of the accounts that it is for, if any; is_refused: the client was told that nobody takes
    it.
    """
    record = found.dmarc.record
    if record is None or not any(each.uri.lower().startswith("mailto:") for each in record.aggregate_uris):
        return None
    disposition, overrides = _treatment(found, actions, is_refused)
    row = row_of(
        source_ip=_source(found.ip),
        envelope_from=found.spf.domain if found.reverse_path else "",
        dmarc=found.dmarc,
        spf=found.spf,
        signatures=found.dkim,
        disposition=disposition,
        overrides=overrides,
    )
    policy = published_policy(found.dmarc.domain, record)
    return Observation(now.astimezone(UTC).date(), policy, record.aggregate_uris, row)


def _treatment(
    found: Authentication, actions: Sequence[Action], is_refused: bool
) -> tuple[str, tuple[Override, ...]]:
    """(disposition, why it is not what the domain asks for): of DMARC alone, whatever else speaks for or against."""
    result = found.dmarc
    if result.result is dmarc.Result.PASS:
        return passed_disposition(result), ()
    if result.result is not dmarc.Result.FAIL:
        return "none", (Override("other", result.reason),)
    testing = (TESTING,) if result.record is not None and result.record.is_testing else ()
    if result.policy is dmarc.Policy.NONE:
        return "none", testing
    excuse = excuse_of(found, trusted_sealers=settings.TRUSTED_SEALERS, known_lists=settings.KNOWN_LISTS)
    if excuse is not None:
        return "none", (Override(excuse.override, excuse.text),)
    if is_refused:
        return ("reject" if result.policy is dmarc.Policy.REJECT else "quarantine"), testing
    if not actions:
        return "none", (NOT_JUDGED,)
    if result.policy is dmarc.Policy.REJECT:
        return "quarantine", (NOT_REFUSED,)
    return "quarantine", testing


def _source(ip: str) -> str:
    address = ip_address(ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
