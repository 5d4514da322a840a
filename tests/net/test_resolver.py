"""The resolver against a DNS server in this process."""

import asyncio

import pytest

from mailhost.net.resolver import DnsUnavailable, MxHost, NoAnswer, NoSuchDomain, Resolver, parse_nameserver
from tests.support.dns_server import DnsServer, dns_server


def test_mx_and_addresses_are_found_and_kept_for_their_ttl() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("far.test", "MX", "20 MX2.far.test.", "10 mx1.far.test.")
            dns.say("mx1.far.test", "A", "192.0.2.1")
            dns.say("mx1.far.test", "AAAA", "2001:db8::1")
            dns.say("alias.test", "CNAME", "mx1.far.test.")
            resolver = dns.resolver()
            assert sorted(await resolver.mx("far.test")) == [
                MxHost(10, "mx1.far.test"),
                MxHost(20, "mx2.far.test"),
            ]
            assert await resolver.addresses("mx1.far.test") == ["2001:db8::1", "192.0.2.1"]
            assert await resolver.addresses("alias.test") == ["2001:db8::1", "192.0.2.1"]
            asked = len(dns.asked)
            await resolver.mx("far.test")
            assert len(dns.asked) == asked

    asyncio.run(scenario())


def test_a_null_mx_is_an_empty_host() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("null.test", "MX", "0 .")
            assert await dns.resolver().mx("null.test") == [MxHost(0, "")]

    asyncio.run(scenario())


async def fails(dns: DnsServer, name: str) -> type[BaseException] | None:
    try:
        await dns.resolver(look_up_seconds=0.2).addresses(name)
    except (NoSuchDomain, NoAnswer, DnsUnavailable) as fact:
        return type(fact)
    return None


def test_three_facts_are_told_apart() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("empty.test", "TXT", '"x"')
            dns.say("broken.test", "A", "192.0.2.1")
            dns.broken.add("broken.test")
            dns.silent.add("silent.test")
            assert await fails(dns, "nowhere.test") is NoSuchDomain
            assert await fails(dns, "empty.test") is NoAnswer
            assert await fails(dns, "broken.test") is DnsUnavailable
            assert await fails(dns, "silent.test") is DnsUnavailable
            assert await fails(dns, "a..b") is NoSuchDomain
            assert await fails(dns, "x" * 64 + ".test") is NoSuchDomain

    asyncio.run(scenario())


def test_an_address_of_one_kind_is_enough() -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("four.test", "A", "192.0.2.1")
            assert await dns.resolver().addresses("four.test") == ["192.0.2.1"]

    asyncio.run(scenario())


def test_nobody_at_the_name_server_is_dns_trouble() -> None:
    async def scenario() -> None:
        with pytest.raises(DnsUnavailable):
            await Resolver(nameserver=("127.0.0.1", 9), look_up_seconds=0.2).mx("far.test")

    asyncio.run(scenario())


def test_nameservers_are_read_from_text() -> None:
    assert parse_nameserver("") is None
    assert parse_nameserver("192.0.2.53:5353") == ("192.0.2.53", 5353)
    assert parse_nameserver("192.0.2.53") == ("192.0.2.53", 53)
    assert parse_nameserver("[::1]:54") == ("::1", 54)
    assert parse_nameserver("::1") == ("::1", 53)
    with pytest.raises(ValueError, match="address"):
        parse_nameserver("ns.example.test:53")
