"""Where mail for a domain goes: RFC 5321 section 5.1 (MX, then addresses), RFC 7505 (null MX), smarthosts."""

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest
from random import Random
from typing import Final

from django.conf import settings

from delivery.relay.departure import AS_THE_SYSTEM_SAYS, Departure, Source, missing, pick
from delivery.relay.outcome import Bounced, Deferred
from mailhost.net.resolver import DnsUnavailable, LookUpFailed, MxHost, NoAnswer, NoSuchDomain, Resolver

# RFC 5321 section 5.1 asks for at least two addresses; a domain with a hundred MX hosts shall not hold a worker.
MAX_HOSTS: Final = 5
MAX_ADDRESSES: Final = 8
# IPv6 addresses that end in an IPv4 address, which is the one that is reached.
_EMBEDDING: Final = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: for use within one network


WhichAreOurs = Callable[[Sequence[str]], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class NextHop:
    """One address to connect to; host is its name, for people, for TLS and for the trace.

    `rank`: 0 for the MX hosts of the best preference, 1 for the next ones, and so on. `departure`: how one leaves for
    it. `is_smarthost`: an operator named it.
    """

    host: str
    address: str
    port: int
    rank: int = field(default=0, compare=False)
    departure: Departure = field(default=AS_THE_SYSTEM_SAYS, compare=False)
    is_smarthost: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How mail leaves: the port of other hosts, whether private addresses may be reached, and a smarthost or none.

    `own_networks`: the addresses at which this host itself is reached from outside. The rest is of an OutboundRoute;
    `fault`: why it cannot be used now.
    """

    port: int = 25
    to_private: bool = False
    smarthost: tuple[str, int] | None = None
    own_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    name: str = ""
    sources: tuple[Source, ...] = ()
    departure: Departure = AS_THE_SYSTEM_SAYS
    fault: str = ""


class RelaySettingInvalid(ValueError):
    """MAILHOST_RELAY cannot be read; the text is a sentence."""


def parse_relay(text: str) -> tuple[str, int] | None:
    """The smarthost of `smarthost:HOST:PORT`; None for `direct` and `capture`. Raises RelaySettingInvalid."""
    if text in ("direct", "capture"):
        return None
    kind, _, place = text.partition(":")
    host, _, port = place.rpartition(":")
    if kind != "smarthost" or not host or not port.isdecimal():
        raise RelaySettingInvalid(f"MAILHOST_RELAY is {text!r}: say direct, capture or smarthost:HOST:PORT.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def configured_route() -> Route:
    """What the settings say."""
    return Route(
        port=settings.RELAY_PORT,
        to_private=settings.RELAY_TO_PRIVATE,
        smarthost=parse_relay(settings.RELAY),
        own_networks=settings.OWN_ADDRESSES,
    )


async def find_next_hops(
    domain: str, *, resolver: Resolver, route: Route, random: Random, which_are_ours: WhichAreOurs
) -> Sequence[NextHop] | Deferred | Bounced:
    """As look_up_hops(), each with how one leaves for it."""
    if route.fault:
        return Deferred("4.3.5", route.fault)
    hops = await look_up_hops(
        domain, resolver=resolver, route=route, random=random, which_are_ours=which_are_ours
    )
    return hops if isinstance(hops, Deferred | Bounced) else _departing(hops, domain, route)


def _departing(hops: Sequence[NextHop], domain: str, route: Route) -> Sequence[NextHop] | Deferred:
    """From the addresses of the route's pool, where it has one: only to hosts of their families."""
    if not route.sources:
        return [replace(hop, departure=route.departure) for hop in hops]
    picked = pick(route.sources, destination=domain)
    if not picked:
        named = ", ".join(missing(route.sources))
        return Deferred(
            "4.3.5", f"The route {route.name} sends from {named}, which this machine does not have."
        )
    departures = {
        is_six: replace(
            route.departure, source=each.address, ehlo_name=each.ehlo_name or route.departure.ehlo_name
        )
        for is_six, each in picked.items()
    }
    found = [
        replace(hop, departure=departures[":" in hop.address])
        for hop in hops
        if (":" in hop.address) in departures
    ]
    if not found:
        text = f"{hops[0].host} has no address of a kind that the route {route.name} has one of to send from."
        return Deferred("4.4.3", text)
    return found


async def look_up_hops(
    domain: str, *, resolver: Resolver, route: Route, random: Random, which_are_ours: WhichAreOurs
) -> Sequence[NextHop] | Deferred | Bounced:
    """Addresses in the order in which they are to be tried, at least one; or why there is none.

    `domain` is an A-label or an address literal in brackets. `which_are_ours` picks
    this host's own names out of those of MX hosts.
    """
    try:
        if route.smarthost:
            host, port = route.smarthost
            smart_route = replace(
                route, port=port, to_private=True
            )  # the operator named it: private is meant
            hops = await _addresses([(0, host)], resolver=resolver, route=smart_route)
            if isinstance(hops, Deferred | Bounced):
                return hops
            return [replace(hop, is_smarthost=True) for hop in hops]
        if domain.startswith("["):
            address = domain.strip("[]").lower().removeprefix("ipv6:")
            return _reachable([NextHop(domain, address, route.port)], route)
        hosts = await _mx_hosts(domain, resolver=resolver, random=random, which_are_ours=which_are_ours)
        if isinstance(hosts, Bounced):
            return hosts
        return await _addresses(hosts, resolver=resolver, route=route)
    except (NoSuchDomain, NoAnswer) as fact:
        if route.smarthost:  # a typing mistake of the operator's, or a name server's fault: not the sender's
            return Deferred("4.4.3", str(fact))
        if isinstance(fact, NoSuchDomain):
            return Bounced("5.1.2", str(fact))
        return Bounced("5.4.4", f"No mail server is named for {domain}: {fact}")
    except DnsUnavailable as fact:
        return Deferred("4.4.3", str(fact))


async def _mx_hosts(
    domain: str, *, resolver: Resolver, random: Random, which_are_ours: WhichAreOurs
) -> list[tuple[int, str]] | Bounced:
    """Ranks and names."""
    try:
        records = sorted(await resolver.mx(domain))
    except NoAnswer:
        records = [MxHost(0, domain)]  # RFC 5321 section 5.1: as if it had an MX of preference 0 for itself
    if {record.host for record in records} == {""}:
        return Bounced("5.1.10", f"{domain} takes no mail (null MX).")  # RFC 7505 section 4.1
    records = [record for record in records if record.host]
    own_names = await which_are_ours([record.host for record in records])
    ours = [record.preference for record in records if record.host in own_names]
    if ours:
        # RFC 5321 section 5.1: what is not nearer than we are would only bring it back here.
        records = [record for record in records if record.preference < min(ours)]
        if not records:
            return Bounced("5.4.6", f"Mail for {domain} loops: its mail server is this host.")
    ranks: dict[str, int] = {}
    for rank, (_, equals) in enumerate(groupby(records, key=lambda record: record.preference)):
        shuffled = [record.host for record in equals]
        random.shuffle(shuffled)  # RFC 5321 section 5.1: spreads the load over equals
        for host in shuffled:
            ranks.setdefault(host, rank)
    return [(rank, host) for host, rank in ranks.items()][:MAX_HOSTS]


async def _addresses(
    hosts: Sequence[tuple[int, str]], *, resolver: Resolver, route: Route
) -> Sequence[NextHop] | Deferred | Bounced:
    """All hosts' addresses. One host that cannot be looked up does not matter while another one can."""
    hops: list[NextHop] = []
    trouble: LookUpFailed | None = None
    for rank, host in hosts:
        if _is_address(host):  # wrong in an MX record, yet it is out there; right for a smarthost
            hops.append(NextHop(host, host, route.port, rank))
            continue
        try:
            found = await resolver.addresses(host)
        except LookUpFailed as fact:
            # A later look may find it, so trouble weighs more than "there is none".
            trouble = fact if trouble is None or isinstance(fact, DnsUnavailable) else trouble
        else:
            hops += [NextHop(host, address, route.port, rank) for address in _alternating(found)]
    if not hops and isinstance(trouble, NoSuchDomain):
        # The domain exists; the host it names does not.
        raise NoAnswer(str(trouble)) if not route.smarthost else trouble
    if not hops and trouble:
        raise trouble
    return _reachable(hops, route)


def _alternating(addresses: Sequence[str]) -> list[str]:
    """IPv6 and IPv4 in turn, each in its order (RFC 8305 section 4): a family that leads nowhere costs one wait."""
    sixes = [each for each in addresses if ":" in each]
    fours = [each for each in addresses if ":" not in each]
    turns = [each for pair in zip_longest(sixes, fours) for each in pair]
    return [each for each in turns if each is not None]


def _reachable(hops: Sequence[NextHop], route: Route) -> Sequence[NextHop] | Bounced:
    """Without private addresses: a stranger's MX record shall not make us talk to machines behind the firewall."""
    own_ranks = [hop.rank for hop in hops if _is_within(hop.address, route.own_networks)]
    if own_ranks and not route.smarthost:
        # RFC 5321 section 5.1 again: under whatever name, this host is there, and what is not nearer leads back.
        nearer = [hop for hop in hops if hop.rank < min(own_ranks)]
        if not nearer:
            return Bounced("5.4.6", f"Mail for {hops[0].host} loops: its address is this host's.")
        hops = nearer
    allowed = [hop for hop in hops if route.to_private or is_public(hop.address)]
    if not allowed:
        return Bounced(
            "5.4.4", f"{hops[0].host} has only private addresses, which cannot be reached from here."
        )
    return allowed[:MAX_ADDRESSES]


def _is_within(address: str, networks: Collection[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    parsed = ipaddress.ip_address(address)
    inner = _inner(parsed) if isinstance(parsed, ipaddress.IPv6Address) else None
    return any(parsed in each or (inner is not None and inner in each) for each in networks)


def is_public(address: str) -> bool:
    """Neither private nor loopback, nor one of those in another guise."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _LOCAL_NAT64 or parsed.is_site_local:
            return False
        parsed = _inner(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is reached by it: mapped (also for SIIT), compatible, 6to4, or by NAT64 (RFC 6052 section
    2.1), whose gateway may stand behind the firewall.
    """
    if inner := address.ipv4_mapped or address.sixtofour:
        return inner
    if any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
