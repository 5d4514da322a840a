"""Which policy a destination has, by what DNS and an MTA-STS server say (RFC 7672 section 2, RFC 8461)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from delivery.relay.demands import Demand, InClear, Named
from delivery.relay.next_hops import NextHop
from delivery.relay.tls.finding import FoundPolicies, TlsPolicies
from delivery.relay.tls.mta_sts import FetchFailed, KeptPolicy, StsPolicies
from delivery.relay.tls.policy import Dane, Opportunistic, Sts, TlsPolicy
from delivery.relay.tls.sessions import TlsSession
from mailhost.protocols.mta_sts import Mode, StsPolicy
from tests.support.dns_server import DnsServer, dns_server
from tests.support.running import run

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST = "ab" * 32
TLSA = f"3 1 1 {DIGEST}"
SECURED = Named("out")
ENFORCE = StsPolicy(Mode.ENFORCE, 86_400, ("mx.far.test",))


@dataclass
class World:
    """DNS, the policies that web servers have, and what is kept."""

    dns: DnsServer
    served: dict[str, StsPolicy] = field(default_factory=dict)
    kept: dict[str, KeptPolicy] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    reads: int = 0
    told: list[TlsSession] = field(default_factory=list)
    now: datetime = NOON
    policies: TlsPolicies = field(init=False)

    def __post_init__(self) -> None:
        self.restart()
        self.dns.say("far.test", "MX", "10 mx.far.test.")
        self.dns.say("mx.far.test", "A", "192.0.2.1")

    def restart(self, *, look_up_seconds: float = 10.0) -> None:
        """Another process, that remembers nothing."""
        resolver = self.dns.resolver(look_up_seconds=look_up_seconds)
        sts = StsPolicies(resolver, self.fetch, self, lambda: self.now)
        self.policies = TlsPolicies(resolver, sts, lambda: self.now, lambda: None)

    def sign(self, *names: str) -> None:
        self.dns.signed |= set(names)

    def say_sts(self, policy: StsPolicy, record: str = "a1") -> None:
        self.dns.say("_mta-sts.far.test", "TXT", f'"v=STSv1; id={record};"')
        self.served["far.test"] = policy

    async def fetch(self, domain: str) -> StsPolicy:
        self.fetched.append(domain)
        if domain not in self.served:
            raise FetchFailed("sts-policy-fetch-error", "The web server is away.")
        return self.served[domain]

    async def read(self, domain: str) -> KeptPolicy | None:
        self.reads += 1
        return self.kept.get(domain)

    async def write(self, domain: str, kept: KeptPolicy) -> None:
        self.kept[domain] = kept

    async def find(
        self,
        *hosts: str,
        domain: str = "far.test",
        is_smarthost: bool = False,
        demand: Demand | None = None,
    ) -> FoundPolicies:
        hops = [NextHop(host, "192.0.2.1", 25) for host in hosts or ("mx.far.test",)]
        return await self.policies.find(
            domain, hops, note=self.told.append, is_smarthost=is_smarthost, demand=demand
        )

    async def demand(self, host: str = "mx.far.test", demand: Demand | None = None) -> object:
        found = await self.find(host, demand=demand)
        return found.of(found.hops[0]).policy.demand


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with dns_server() as dns:
        yield World(dns)


def test_without_a_policy_tls_is_opportunistic() -> None:
    async def scenario() -> None:
        async with world() as w:
            assert await w.demand() == Opportunistic()
            assert ("_mta-sts.far.test", "TXT") in w.dns.asked
            assert not any(kind == "TLSA" for _, kind in w.dns.asked)  # nobody signs the domain
            assert (w.fetched, w.told) == ([], [])

    run(scenario())


def test_dane_where_dnssec_vouches_for_mx_address_and_tlsa_records() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA, "1 1 1 " + DIGEST, "3 1 9 00")
            w.sign("far.test", "mx.far.test", "_25._tcp.mx.far.test")
            demand = await w.demand()
            assert isinstance(demand, Dane)
            assert [str(each) for each in demand.records] == [TLSA]
            assert demand.names == ("mx.far.test", "far.test")

    run(scenario())


@pytest.mark.parametrize("unsigned", ["far.test", "mx.far.test", "_25._tcp.mx.far.test"])
def test_what_nobody_vouches_for_is_no_dane(unsigned: str) -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA)
            w.sign(*({"far.test", "mx.far.test", "_25._tcp.mx.far.test"} - {unsigned}))
            assert await w.demand() == Opportunistic()

    run(scenario())


def test_a_name_server_that_is_not_believed_makes_no_dane() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA)
            w.sign("far.test", "mx.far.test", "_25._tcp.mx.far.test")
            w.policies.resolver.validates = False
            found = await w.find()
            assert found.of(found.hops[0]).policy.demand == Opportunistic()
            assert not found.of(found.hops[0]).policy.trusts_name

    run(scenario())


def test_records_of_which_none_is_usable_ask_for_tls_alone() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.say("_25._tcp.mx.far.test", "TLSA", "1 1 1 " + DIGEST)
            w.sign("far.test", "mx.far.test", "_25._tcp.mx.far.test")
            demand = await w.demand()
            assert isinstance(demand, Dane)
            assert (demand.records, demand.names) == ((), ("mx.far.test", "far.test"))
            w.say_sts(ENFORCE)  # which asks for more
            w.restart()
            assert await w.demand() == Sts(ENFORCE)

    run(scenario())


@pytest.mark.parametrize("fails", ["broken", "silent"])
def test_a_host_whose_tlsa_records_cannot_be_looked_up_is_left_alone(fails: str) -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.say("mx2.far.test", "A", "192.0.2.1")
            w.sign("far.test", "mx.far.test", "mx2.far.test")
            getattr(w.dns, fails).add("_25._tcp.mx.far.test")
            w.restart(look_up_seconds=1.0 if w.dns.silent else 10.0)
            found = await w.find("mx.far.test", "mx2.far.test")
            assert [hop.host for hop in found.hops] == ["mx2.far.test"]
            refusal = found.refused["mx.far.test"]
            assert refusal.status == "4.7.5"
            assert refusal.reply.startswith(
                "Whether mx.far.test asks for verified encryption (DANE) cannot be found out now."
            )
            assert [(each.result, each.policy_type) for each in w.told] == [("dnssec-invalid", "tlsa")]
            alone = await w.find("mx.far.test")
            assert alone.failure == alone.refused["mx.far.test"]

    run(scenario())


def test_a_domain_without_mx_records_is_its_own_host() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.records["far.test"] = {"A": ["192.0.2.1"]}
            w.dns.say("_25._tcp.far.test", "TLSA", TLSA)
            w.sign("far.test", "_25._tcp.far.test")
            demand = await w.demand("far.test")
            assert isinstance(demand, Dane)
            assert demand.names == ("far.test",)

    run(scenario())


def test_tlsa_records_where_a_cname_leads_come_before_the_hosts_own() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.records["mx.far.test"] = {"CNAME": ["real.host.test."]}
            w.dns.say("real.host.test", "A", "192.0.2.1")
            w.dns.say("_25._tcp.real.host.test", "TLSA", TLSA)
            w.dns.say("_25._tcp.mx.far.test", "TLSA", "3 1 1 " + "cd" * 32)
            w.sign("far.test", "mx.far.test", "real.host.test")
            w.sign("_25._tcp.real.host.test", "_25._tcp.mx.far.test")
            demand = await w.demand()
            assert isinstance(demand, Dane)
            assert demand.names == ("real.host.test", "mx.far.test", "far.test")
            assert [str(each) for each in demand.records] == [TLSA]
            del w.dns.records["_25._tcp.real.host.test"]
            w.restart()
            demand = await w.demand()
            assert isinstance(demand, Dane)
            assert demand.names == ("mx.far.test", "far.test")

    run(scenario())


def test_a_cname_of_a_signed_zone_that_leads_to_an_unsigned_one_keeps_its_own_records() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.dns.records["mx.far.test"] = {"CNAME": ["real.host.test."]}
            w.dns.say("real.host.test", "A", "192.0.2.1")
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA)
            w.sign("far.test", "mx.far.test", "_25._tcp.mx.far.test")
            demand = await w.demand()
            assert isinstance(demand, Dane)
            assert demand.names == ("mx.far.test", "far.test")

    run(scenario())


def test_a_smarthosts_own_policies_count_and_the_domains_do_not() -> None:
    """RFC 8461 section 3.4, RFC 7672 section 1.1."""

    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            w.dns.say("smart.test", "A", "192.0.2.1")
            found = await w.find("smart.test", is_smarthost=True)
            assert found.of(found.hops[0]).policy == TlsPolicy("smart.test", trusts_name=True)
            assert w.fetched == []
            w.dns.say("_mta-sts.smart.test", "TXT", '"v=STSv1; id=s1;"')
            w.served["smart.test"] = StsPolicy(Mode.ENFORCE, 86_400, ("smart.test",))
            w.restart()
            found = await w.find("smart.test", is_smarthost=True)
            assert found.of(found.hops[0]).policy.demand == Sts(w.served["smart.test"])
            w.dns.say("_25._tcp.smart.test", "TLSA", TLSA)
            w.sign("smart.test", "_25._tcp.smart.test")
            w.restart()
            found = await w.find("smart.test", is_smarthost=True)
            demand = found.of(found.hops[0]).policy.demand
            assert isinstance(demand, Dane)
            assert demand.names == ("smart.test",)
            assert w.fetched == ["smart.test"]

    run(scenario())


def test_a_smarthost_that_is_an_address_has_no_policies() -> None:
    async def scenario() -> None:
        async with world() as w:
            found = await w.find("192.0.2.1", is_smarthost=True)
            assert found.of(found.hops[0]).policy.demand == Opportunistic()
            assert w.dns.asked == []

    run(scenario())


def test_a_domain_that_is_an_alias_may_be_in_certificates_by_both_names() -> None:
    """RFC 7672 section 3.2.2."""

    async def scenario() -> None:
        async with world() as w:
            w.dns.records["far.test"] = {"CNAME": ["real.test."]}
            w.dns.say("real.test", "MX", "10 mx.far.test.")
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA, "1 1 1 " + DIGEST)
            w.sign("far.test", "real.test", "mx.far.test", "_25._tcp.mx.far.test")
            found = await w.find()
            policy = found.of(found.hops[0]).policy
            assert isinstance(policy.demand, Dane)
            assert policy.demand.names == ("mx.far.test", "far.test", "real.test")
            # RFC 8460 section 4: all that stands there.
            assert set(policy.strings) == {TLSA, "1 1 1 " + DIGEST}
            assert policy.tlsa_base == "mx.far.test"

    run(scenario())


def test_a_demand_of_verified_tls_is_met_by_dane_where_there_is_a_usable_record() -> None:
    async def scenario() -> None:
        async with world() as w:
            assert await w.demand(demand=SECURED) == SECURED
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA)
            w.sign("far.test", "mx.far.test", "_25._tcp.mx.far.test")
            w.restart()
            assert isinstance(await w.demand(demand=SECURED), Dane)
            w.dns.say("_25._tcp.mx.far.test", "TLSA", f"1 1 1 {DIGEST}")  # of no use, and asks for TLS alone
            w.restart()
            assert await w.demand(demand=SECURED) == SECURED
            w.dns.broken.add("_25._tcp.mx.far.test")
            w.restart()
            assert (await w.find(demand=SECURED)).hops == ()

    run(scenario())


def test_a_demand_of_verified_tls_leaves_an_enforced_policys_hosts_alone_and_replaces_a_tested_one() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            assert isinstance(await w.demand(demand=SECURED), Sts)
            found = await w.find("mx.far.test", "mx.elsewhere.test", demand=SECURED)
            assert [hop.host for hop in found.hops] == ["mx.far.test"]
            w.say_sts(StsPolicy(Mode.TESTING, 86_400, ("mx.far.test",)), "a2")
            w.restart()
            assert await w.demand(demand=SECURED) == SECURED

    run(scenario())


@pytest.mark.parametrize(("demand", "is_smarthost"), [(InClear(), False), (InClear(), True), (SECURED, True)])
def test_a_route_that_knows_what_it_wants_asks_nobody(demand: Demand, is_smarthost: bool) -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            w.dns.say("_25._tcp.mx.elsewhere.test", "TLSA", TLSA)
            w.sign("far.test", "mx.elsewhere.test", "_25._tcp.mx.elsewhere.test")
            found = await w.find("mx.elsewhere.test", is_smarthost=is_smarthost, demand=demand)
            assert found.of(found.hops[0]).policy.demand == demand
            assert w.dns.asked == []

    run(scenario())


def test_an_address_literal_has_no_policy() -> None:
    async def scenario() -> None:
        async with world() as w:
            hops = [NextHop("[192.0.2.1]", "192.0.2.1", 25)]
            found = await w.policies.find("[192.0.2.1]", hops, note=w.told.append)
            assert found.of(hops[0]).policy.demand == Opportunistic()
            assert w.dns.asked == []

    run(scenario())


def test_whose_names_can_be_relied_on() -> None:
    async def scenario() -> None:
        async with world() as w:
            found = await w.find()
            assert not found.of(found.hops[0]).policy.trusts_name
            w.say_sts(ENFORCE)
            w.restart()
            found = await w.find()
            assert found.of(found.hops[0]).policy.trusts_name
            w.sign("far.test")
            del w.dns.records["_mta-sts.far.test"]
            w.kept.clear()
            w.restart()
            found = await w.find()
            assert found.of(found.hops[0]).policy.demand == Opportunistic()
            assert found.of(found.hops[0]).policy.trusts_name

    run(scenario())
