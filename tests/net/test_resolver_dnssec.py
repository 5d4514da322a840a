"""Whose word counts for DNSSEC (RFC 6840 section 5.7), and TLSA records."""

import asyncio

import pytest

from mailhost.net.resolver import DnsUnavailable, Resolver, Validation
from mailhost.protocols.dane import TlsaRecord
from tests.support.dns_server import DnsServer, dns_server

TLSA = "3 1 1 " + "ab" * 32


def say_all(dns_: DnsServer) -> None:
    dns_.say("far.test", "MX", "10 mx.far.test.")
    dns_.say("mx.far.test", "A", "192.0.2.1")
    dns_.say("alias.far.test", "CNAME", "mx.far.test.")
    dns_.say("_25._tcp.mx.far.test", "TLSA", TLSA)
    dns_.signed |= {"far.test", "mx.far.test", "alias.far.test", "_25._tcp.mx.far.test"}


def test_tlsa_records_and_validation_as_a_name_server_on_this_machine_has_them() -> None:
    async def scenario() -> None:
        async with dns_server() as server:
            say_all(server)
            resolver = server.resolver()
            assert await resolver.validation("far.test", "MX") == Validation(True, "far.test")
            assert await resolver.validation("alias.far.test", "A") == Validation(True, "mx.far.test")
            assert await resolver.tlsa("_25._tcp.mx.far.test") == (TlsaRecord(3, 1, 1, b"\xab" * 32),)
            assert await resolver.tlsa("_25._tcp.far.test") == ()

    asyncio.run(scenario())


def test_what_nobody_vouches_for_is_not_validated() -> None:
    async def scenario() -> None:
        async with dns_server() as server:
            say_all(server)
            server.signed -= {"mx.far.test", "_25._tcp.mx.far.test"}
            resolver = server.resolver()
            assert await resolver.validation("alias.far.test", "A") == Validation(False, "mx.far.test")
            assert await resolver.tlsa("_25._tcp.mx.far.test") == ()

    asyncio.run(scenario())


def test_bogus_tlsa_records_are_no_answer() -> None:
    async def scenario() -> None:
        async with dns_server() as server:
            server.broken.add("_25._tcp.mx.far.test")
            with pytest.raises(DnsUnavailable):
                await server.resolver().tlsa("_25._tcp.mx.far.test")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "is_believed", "validates"),
    [
        ("127.0.0.1", False, True),
        ("127.0.0.53", False, True),
        ("::1", False, True),
        ("127.0.0.11", False, False),  # Docker's forwarder
        ("192.0.2.53", False, False),
        ("10.0.0.53", False, False),
        ("10.0.0.53", True, True),
        ("127.0.0.11", True, True),
    ],
)
def test_a_name_server_elsewhere_is_believed_only_where_the_operator_says_so(
    address: str, is_believed: bool, validates: bool
) -> None:
    assert Resolver(nameserver=(address, 53), is_believed=is_believed).validates is validates


def test_an_answer_of_who_is_not_believed_is_not_validated_whatever_it_says() -> None:
    async def scenario() -> None:
        async with dns_server() as server:
            say_all(server)
            resolver = server.resolver()
            resolver.validates = False
            assert not (await resolver.validation("far.test", "MX")).is_validated
            assert await resolver.tlsa("_25._tcp.mx.far.test") == ()

    asyncio.run(scenario())
