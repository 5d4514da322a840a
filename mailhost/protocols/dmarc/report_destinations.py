"""Where the reports about a domain go: the addresses of its rua tag that may be written to (RFC 9990, "Verifying
External Destinations").

Who publishes a record can name anybody's address in it. One outside the domain's own organization gets reports only
where it says itself, in DNS, that it wants them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.dmarc.record import ReportUri, is_record, parse_record
from mailhost.protocols.dmarc.tree_walk import RegistrableDomain, TreeWalks, Txt
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable
from mailhost.protocols.dns_names import can_be_looked_up

# RFC 9990 ("Transport") leaves to us how many are written to; RFC 7489 section 6.2 asked for two at least.
MAX_DESTINATIONS: Final = 5
MAX_CONFIRMING: Final = 20  # records at one name that are read


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that takes reports. max_octets: of a message, as it is sent; None: any."""

    address: EmailAddress
    max_octets: int | None = None


@dataclass(frozen=True, slots=True)
class Destinations:
    """Those that may be written to. passed_over: sentences about the others. is_open: DNS did not answer about some,
    so that asking later may find more."""

    allowed: tuple[Destination, ...] = ()
    passed_over: tuple[str, ...] = ()
    is_open: bool = False


def mailto_address(uri: str) -> EmailAddress | None:
    """The one address of a mailto URI (RFC 6068 section 2), without what it wants in the header; None for others."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return None
    try:
        return EmailAddress.parse(unquote(rest.partition("?")[0], errors="strict"))
    except (AddressSyntaxError, UnicodeError):
        return None


async def find_destinations(
    *,
    policy_domain: str,
    uris: Sequence[ReportUri],
    txt: Txt,
    registrable: RegistrableDomain | None = None,
) -> Destinations:
    """Reads the URIs in order and asks DNS about those outside; never raises for what DNS says.

    policy_domain: where the record was found, in A-labels. Without mailto URIs, and beyond MAX_DESTINATIONS, nothing
    is asked.
    """
    walks = TreeWalks(txt)
    allowed: dict[tuple[str, str], Destination] = {}
    passed_over: list[str] = []
    is_open = False
    for number, wanted in enumerate(uris):
        address = mailto_address(wanted.uri)
        if address is None or address.domain.startswith("["):
            passed_over.append(f"{wanted.uri} is no address that a report can be mailed to.")
            continue
        if number >= MAX_DESTINATIONS:
            passed_over.append(f"{address} is one address too many.")
            continue
        try:
            found = await _confirmed(policy_domain, address, wanted, walks, txt, registrable)
        except TemporarilyUnavailable:
            is_open = True
            passed_over.append(f"DNS did not answer whether {address} wants reports about {policy_domain}.")
            continue
        if not found:
            passed_over.append(f"{address.domain} does not say that it wants reports about {policy_domain}.")
        for each in found:
            allowed.setdefault(each.address.key, each)
    return Destinations(tuple(allowed.values())[:MAX_DESTINATIONS], tuple(passed_over), is_open)


async def _confirmed(
    policy_domain: str,
    address: EmailAddress,
    wanted: ReportUri,
    walks: TreeWalks,
    txt: Txt,
    registrable: RegistrableDomain | None,
) -> list[Destination]:
    host = address.domain
    if host == policy_domain or await _is_own(policy_domain, host, walks, registrable):
        return [Destination(address, wanted.max_octets)]
    name = f"{policy_domain}._report._dmarc.{host}"
    if not can_be_looked_up(name):
        return []
    try:
        records = [each for each in (await txt(name))[:MAX_CONFIRMING] if is_record(each)]
    except NotFound:
        return []
    if not records:
        return []
    overriding = [uri for each in records for uri in parse_record(each).aggregate_uris]
    if not overriding:
        return [Destination(address, wanted.max_octets)]
    # The consumer may move reports, but only within the host that was asked (step 9): else nobody gets them.
    moved = [(mailto_address(uri.uri), uri.max_octets) for uri in overriding]
    if any(each is None or each.domain != host for each, _ in moved):
        return []
    return [Destination(each, max_octets) for each, max_octets in moved if each is not None]


async def _is_own(
    policy_domain: str, host: str, walks: TreeWalks, registrable: RegistrableDomain | None
) -> bool:
    """Whether both are of one organization (RFC 9989 section 4.10.2)."""
    own = (await walks.walk(policy_domain)).organizational_domain(registrable)
    if host != own and not host.endswith("." + own):
        return False  # whatever is published there
    return (await walks.walk(host)).organizational_domain(registrable) == own
