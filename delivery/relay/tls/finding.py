"""Finds what the policies of a next hop ask of TLS, before anybody connects: DANE, then MTA-STS, then nothing.

A host with TLSA records that DNSSEC vouches for goes by them alone; MTA-STS neither overrides them where they fail
(RFC 8461 section 2) nor is asked where they hold.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.x509.verification import Store

from delivery.relay.demands import Demand, InClear
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred, Peer
from delivery.relay.tls.dane import find_dane, securely_named
from delivery.relay.tls.mta_sts import FetchFailed, Found, StsPolicies
from delivery.relay.tls.policy import Sts, TlsPolicy, Unknown
from delivery.relay.tls.sessions import TlsSession
from delivery.relay.tls.trust import system_trust
from delivery.relay.tls.verifying import Securing
from mailhost.net.resolver import DnsUnavailable, Resolver
from mailhost.protocols.certificates import address_in
from mailhost.protocols.mta_sts import Mode, StsPolicy

Note = Callable[[TlsSession], None]


@dataclass(frozen=True, slots=True)
class FoundPolicies:
    """What was found for one destination. hops: those that may be connected to, in their order; refused: the others,
    with why.
    """

    hops: tuple[NextHop, ...]
    refused: Mapping[str, Deferred]
    securings: Mapping[str, Securing]  # by host

    @property
    def failure(self) -> Deferred | None:
        """Why nothing can be sent now, where no hop is left."""
        return None if self.hops else next(iter(self.refused.values()))

    def waived(self, hops: Sequence[NextHop]) -> "FoundPolicies":
        """For what ignores them (RFC 8689 section 4.2.2): all hops, those allowed first. Nobody is told of it."""
        securings = {
            host: replace(each, policy=replace(each.policy, is_waived=True), note=lambda session: None)
            for host, each in self.securings.items()
        }
        return FoundPolicies((*self.hops, *(hop for hop in hops if hop.host in self.refused)), {}, securings)

    def of(self, hop: NextHop) -> Securing:
        """Of one of the hops."""
        return self.securings[hop.host]


@dataclass
class TlsPolicies:
    """For all destinations of a process. sts: None, and no MTA-STS policy is looked for."""

    resolver: Resolver
    sts: StsPolicies | None
    clock: Callable[[], datetime]
    trust: Callable[[], Store | None] = field(default=system_trust)

    async def find(
        self,
        domain: str,
        hops: Sequence[NextHop],
        *,
        note: Note,
        is_smarthost: bool = False,
        demand: Demand | None = None,
    ) -> FoundPolicies:
        """For mail to this domain over these hops, at least one.

        is_smarthost: the operator named the host, so that its policies count and not the domain's (RFC 8461 section
        3.4, RFC 7672 section 1.1), and its name is as good as signed. demand: what the route asks for.
        Raises StoreUnavailable.
        """
        if is_smarthost:
            domain = hops[0].host
        if demand is not None and (is_smarthost or isinstance(demand, InClear)):
            policy = TlsPolicy(domain, demand, trusts_name=is_smarthost)  # whatever any DNS says
            securing = Securing(policy, note, self.clock, self.trust)
            return FoundPolicies(tuple(hops), {}, {hop.host: securing for hop in hops})
        sts, named = await asyncio.gather(self._sts(domain), self._named(domain, is_smarthost=is_smarthost))
        hosts = {hop.host: hop for hop in hops}
        found = await asyncio.gather(
            *(
                self._policy(
                    domain,
                    hop,
                    sts.policy,
                    named=named,
                    is_known=is_smarthost or hop.host == domain,
                )
                for hop in hosts.values()
            )
        )
        securings = {
            host: Securing(policy.under(demand), note, self.clock, self.trust)
            for host, policy in zip(hosts, found, strict=True)
        }
        if sts.failure is not None:
            _tell_of_failure(domain, sts.failure, note)
        refused: dict[str, Deferred] = {}
        for host, securing in securings.items():
            if deferral := _refusal(hosts[host], securing):
                refused[host] = deferral
        return FoundPolicies(tuple(hop for hop in hops if hop.host not in refused), refused, securings)

    async def _sts(self, domain: str) -> Found:
        if self.sts is None or address_in(domain) is not None:
            return Found(None)
        return await self.sts.find(domain)

    async def _named(self, domain: str, *, is_smarthost: bool) -> str | DnsUnavailable:
        """As dane.securely_named: where there is a name, those of the hosts can be relied on."""
        if not self.resolver.validates or address_in(domain) is not None:
            return ""
        try:
            return domain if is_smarthost else await securely_named(domain, resolver=self.resolver)
        except DnsUnavailable as fact:
            return fact

    async def _policy(
        self,
        domain: str,
        hop: NextHop,
        sts: StsPolicy | None,
        *,
        named: str | DnsUnavailable,
        is_known: bool,
    ) -> TlsPolicy:
        """Of one host. is_known: no DNS record named it."""
        try:
            if isinstance(named, DnsUnavailable):
                raise named
            dane = None
            if named and hop.host != hop.address:
                dane = await find_dane(
                    hop.host, port=hop.port, next_hops=[domain, named], resolver=self.resolver
                )
        except DnsUnavailable as fact:
            return TlsPolicy(domain, Unknown(str(fact)))
        is_enforced = sts is not None and sts.mode is Mode.ENFORCE
        if dane is not None and (dane.records or not is_enforced):
            return TlsPolicy(domain, dane, trusts_name=True)
        if sts is not None:
            is_named = sts.allows(hop.host)
            return TlsPolicy(domain, Sts(sts, is_named), trusts_name=bool(named) or is_named or is_known)
        return TlsPolicy(domain, trusts_name=bool(named) or is_known)


def _refusal(hop: NextHop, securing: Securing) -> Deferred | None:
    """Why this host is not connected to at all; the reports are told as well."""
    policy, peer = securing.policy, Peer(hop.host, hop.address)
    match policy.demand:
        case Unknown(reason=reason):
            # RFC 7672 section 2.1.2: who can make DNS fail shall not make DANE go away.
            text = f"Whether {hop.host} asks for verified encryption (DANE) cannot be found out now. {reason}"
            securing.tell(hop, result="dnssec-invalid", detail=text)
            return Deferred("4.7.5", text, peer)
        case Sts(is_named=False) as sts if sts.is_enforced:
            securing.tell(hop)
            text = f"{hop.host} is not among the mail servers that {policy.in_words} allows."
            return Deferred("4.7.5", text, peer)
    return None


def _tell_of_failure(domain: str, failure: FetchFailed, note: Note) -> None:
    """There was to be a policy, and none came: RFC 8460 section 4.3.2.2."""
    note(
        TlsSession(
            policy_domain=domain,
            policy_type="sts",
            policy_strings=(),
            mx_host="",
            mx_patterns=(),
            receiving_ip=None,
            sending_ip=None,
            result=failure.result,
            detail=str(failure),
        )
    )
