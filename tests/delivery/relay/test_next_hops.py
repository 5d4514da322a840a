"""Where mail for a domain goes, asked of a DNS server in this process."""

from collections.abc import Sequence
from ipaddress import ip_network
from random import Random

import pytest

from delivery.relay.next_hops import (
    NextHop,
    RelaySettingInvalid,
    Route,
    find_next_hops,
    is_public,
    parse_relay,
)
from delivery.relay.outcome import Bounced, Deferred
from tests.support.dns_server import DnsServer, dns_server
from tests.support.running import run

ANYWHERE = Route(to_private=True)


async def ask(
    dns: DnsServer, domain: str, *, route: Route = ANYWHERE, seed: int = 1, ours: Sequence[str] = ()
) -> Sequence[NextHop] | Deferred | Bounced:
    async def which_are_ours(hosts: Sequence[str]) -> set[str]:
        return set(hosts) & set(ours)

    return await find_next_hops(
        domain,
        resolver=dns.resolver(look_up_seconds=0.3 if domain in dns.silent else 10.0),
        route=route,
        random=Random(seed),
        which_are_ours=which_are_ours,
    )


def far(dns: DnsServer) -> None:
    dns.say("far.test", "MX", "20 backup.far.test.", "10 a.far.test.", "10 b.far.test.")
    dns.say("a.far.test", "A", "192.0.2.1")
    dns.say("b.far.test", "A", "192.0.2.2")
    dns.say("backup.far.test", "A", "192.0.2.3")
    dns.say("backup.far.test", "AAAA", "2001:db8::3")


def test_mx_hosts_come_by_preference_and_equals_are_shuffled() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            far(dns)
            orders = set()
            for seed in range(12):
                hops = await ask(dns, "far.test", seed=seed)
                assert isinstance(hops, list)
                orders.add(tuple(hop.address for hop in hops))
            assert orders == {
                ("192.0.2.1", "192.0.2.2", "2001:db8::3", "192.0.2.3"),
                ("192.0.2.2", "192.0.2.1", "2001:db8::3", "192.0.2.3"),
            }

    run(scenario())


def test_without_mx_the_domains_own_address_is_used() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("plain.test", "A", "192.0.2.9")
            assert await ask(dns, "plain.test") == [NextHop("plain.test", "192.0.2.9", 25)]

    run(scenario())


@pytest.mark.parametrize(
    ("domain", "kind", "status"),
    [
        ("null.test", Bounced, "5.1.10"),
        ("nulls.test", Bounced, "5.1.10"),
        ("nowhere.test", Bounced, "5.1.2"),
        ("nothing.test", Bounced, "5.4.4"),
        ("dangling.test", Bounced, "5.4.4"),
        ("broken.test", Deferred, "4.4.3"),
        ("silent.test", Deferred, "4.4.3"),
        ("half.test", Deferred, "4.4.3"),
        ("loop.test", Bounced, "5.4.6"),
    ],
)
def test_what_leads_nowhere_says_why(domain: str, kind: type[Bounced | Deferred], status: str) -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("null.test", "MX", "0 .")
            dns.say("nulls.test", "MX", "0 .", "10 .")
            dns.say("nothing.test", "TXT", '"x"')
            dns.say("dangling.test", "MX", "10 gone.test.")
            dns.broken |= {"broken.test", "mx.broken.test"}
            dns.silent.add("silent.test")
            dns.say("half.test", "MX", "10 gone.test.", "20 mx.broken.test.")
            dns.say("loop.test", "MX", "10 us.test.", "20 other.test.")
            outcome = await ask(dns, domain, ours=["us.test"])
            assert isinstance(outcome, kind)
            assert (outcome.status, outcome.reply[-1]) == (status, ".")

    run(scenario())


def test_why_dns_fails_is_told_in_words() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.broken.add("broken.test")
            dns.silent.add("silent.test")
            assert [await ask(dns, name) for name in ("broken.test", "silent.test")] == [
                Deferred(
                    "4.4.3", "DNS could not be asked for broken.test: its name servers fail, or DNSSEC does."
                ),
                Deferred("4.4.3", "DNS could not be asked for silent.test: no answer came in time."),
            ]

    run(scenario())


def test_only_hosts_nearer_than_ourselves_are_used() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            far(dns)
            dns.say("backed.test", "MX", "5 a.far.test.", "10 us.test.", "20 b.far.test.")
            assert await ask(dns, "backed.test", ours=["us.test"]) == [NextHop("a.far.test", "192.0.2.1", 25)]

    run(scenario())


def test_one_host_that_cannot_be_looked_up_does_not_matter() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            far(dns)
            dns.broken.add("mx.broken.test")
            dns.say("mixed.test", "MX", "1 mx.broken.test.", "2 a.far.test.")
            assert await ask(dns, "mixed.test") == [NextHop("a.far.test", "192.0.2.1", 25)]

    run(scenario())


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1", "0.0.0.0", "224.0.0.1", "100.64.0.1"]
)
def test_a_private_address_is_not_reached(address: str) -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("inner.test", "A", address)
            dns.say("mixed.test", "A", address, "198.41.0.4")
            outcome = await ask(dns, "inner.test", route=Route())
            assert isinstance(outcome, Bounced)
            assert outcome.status == "5.4.4"
            assert await ask(dns, "mixed.test", route=Route()) == [NextHop("mixed.test", "198.41.0.4", 25)]
            literal = await ask(dns, f"[{address}]", route=Route())
            assert isinstance(literal, Bounced)

    run(scenario())


@pytest.mark.parametrize("address", ["::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::"])
def test_a_private_ipv6_address_is_not_reached(address: str) -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            assert isinstance(await ask(dns, f"[IPv6:{address}]", route=Route()), Bounced)

    run(scenario())


def test_an_address_literal_needs_no_dns() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            assert await ask(dns, "[198.41.0.4]", route=Route()) == [
                NextHop("[198.41.0.4]", "198.41.0.4", 25)
            ]
            assert dns.asked == []

    run(scenario())


def test_an_own_address_under_a_strangers_name_is_a_loop() -> None:
    route = Route(to_private=True, own_networks=(ip_network("192.0.2.7"), ip_network("2001:db8::7")))

    async def scenario() -> None:
        async with dns_server() as dns:
            far(dns)
            dns.say("sly.test", "A", "192.0.2.7")
            dns.say("six.test", "AAAA", "2001:0db8:0::7")
            dns.say("both.test", "MX", "5 a.far.test.", "10 sly.test.", "20 b.far.test.")
            for domain in (
                "sly.test",
                "six.test",
                "[192.0.2.7]",
                "[IPv6:2001:DB8:0::7]",
                "[IPv6:::ffff:192.0.2.7]",
                "[IPv6:64:ff9b::192.0.2.7]",
            ):
                outcome = await ask(dns, domain, route=route)
                assert isinstance(outcome, Bounced), domain
                assert outcome.status == "5.4.6"
            assert await ask(dns, "both.test", route=route) == [NextHop("a.far.test", "192.0.2.1", 25)]

    run(scenario())


def test_everything_goes_to_a_smarthost_even_a_private_one() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("smart.test", "A", "127.0.0.1")
            route = Route(smarthost=("smart.test", 2525))
            assert await ask(dns, "far.test", route=route) == [NextHop("smart.test", "127.0.0.1", 2525)]
            dns.say("empty.test", "TXT", '"no address"')
            for host in ("typo.test", "empty.test"):  # no mail bounces for a mistake of the operator's
                outcome = await ask(dns, "far.test", route=Route(smarthost=(host, 25)))
                assert isinstance(outcome, Deferred), host

    run(scenario())


def test_many_hosts_and_addresses_are_not_all_tried() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("many.test", "MX", *(f"{n} mx{n}.many.test." for n in range(40)))
            for n in range(40):
                dns.say(f"mx{n}.many.test", "A", *(f"192.0.2.{m}" for m in range(1, 5)))
            hops = await ask(dns, "many.test")
            assert not isinstance(hops, Deferred | Bounced)
            assert len(hops) == 8

    run(scenario())


def test_the_relay_setting_is_read_or_refused_with_a_sentence() -> None:
    assert parse_relay("direct") is None
    assert parse_relay("capture") is None
    assert parse_relay("smarthost:smart.test:2525") == ("smart.test", 2525)
    assert parse_relay("smarthost:[::1]:25") == ("::1", 25)
    for text in ("", "smarthost:x", "smarthost:x:y", "drop"):
        with pytest.raises(RelaySettingInvalid, match=r"say direct"):
            parse_relay(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("64:ff9b::127.0.0.1", False),  # by NAT64
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),  # as DNS64 says it on a host with IPv6 alone
        ("64:ff9b:1::8.8.8.8", False),
        ("::127.0.0.1", False),
        ("::1", False),
        ("::ffff:0:10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:a00:1::", False),
        ("fec0::1", False),
        ("2001:4860:4860::8888", True),
        ("8.8.8.8", True),
    ],
)
def test_private_addresses_are_known_in_every_guise(address: str, expected: bool) -> None:
    assert is_public(address) is expected
