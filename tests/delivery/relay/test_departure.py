"""How one leaves by a route: TLS that names the smarthost, signing in, and the addresses of a pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from cryptography.x509.verification import Store

from delivery.relay.connection import ConnectFailed, RelayConnection, Timeouts, open_connection
from delivery.relay.demands import Demand, InClear, Named
from delivery.relay.departure import (
    AddressesHere,
    Credentials,
    Departure,
    Source,
    missing,
    parse_source,
    pick,
)
from delivery.relay.next_hops import NextHop, Route, find_next_hops
from delivery.relay.outcome import Bounced, Deferred, Delivered
from delivery.relay.tls.policy import OPPORTUNISTIC, TlsPolicy
from delivery.relay.tls.verifying import Securing
from delivery.relay.transaction import Recipient, send
from delivery.relay.wire import Wire, WireLost
from tests.delivery.relay.test_connection import message
from tests.support.authorities import Authority, Issued
from tests.support.dns_server import dns_server
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, DEFAULT_EXTENSIONS, SmtpSink, smtp_sink

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOST = "smart.test"
CA = Authority(NOON)
RIGHT = CA.issue(HOST)
WRONG = CA.issue("elsewhere.test")
US = Credentials("us", "geheim ü")
PATIENT = Timeouts(connect=5, greeting=5, command=5, quit=1)
VERIFIED = Named("smart")
IMPLICIT = Named("smart", is_implicit=True)


@asynccontextmanager
async def smarthost(
    *, mechanisms: str = "PLAIN", issued: Issued | None = RIGHT, is_implicit: bool = False
) -> AsyncIterator[SmtpSink]:
    context = issued.context() if issued else None
    async with smtp_sink(implicit_tls=context if is_implicit else None) as sink:
        sink.tls = context
        sink.login = (US.login, US.password)
        sink.extensions = (*DEFAULT_EXTENSIONS, f"AUTH {mechanisms}")
        yield sink


async def reach(
    sink: SmtpSink,
    demand: Demand | None = VERIFIED,
    credentials: Credentials | None = US,
    host: str = HOST,
) -> RelayConnection:
    departure = Departure(demand=demand, credentials=credentials)
    hop = NextHop(host, sink.address, sink.port, departure=departure)
    securing = Securing(OPPORTUNISTIC, clock=lambda: NOON, trust=lambda: Store([CA.certificate]))
    return await open_connection(hop, own_name="mail.example.test", timeouts=PATIENT, tls=securing)


async def deferral(*args: object, **kwargs: object) -> Deferred:
    with pytest.raises(ConnectFailed) as failed:
        await reach(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(failed.value.outcome, Deferred)
    return failed.value.outcome


@pytest.mark.parametrize(
    ("mechanisms", "used"),
    [
        ("PLAIN LOGIN SCRAM-SHA-256", "SCRAM-SHA-256"),
        ("LOGIN PLAIN XOAUTH2", "PLAIN"),
        ("XOAUTH2 LOGIN", "LOGIN"),
        ("scram-sha-256", "SCRAM-SHA-256"),
    ],
)
@pytest.mark.parametrize("demand", [VERIFIED, IMPLICIT])
def test_mail_goes_to_a_smarthost_by_the_best_way_to_sign_in(
    demand: Named, mechanisms: str, used: str
) -> None:
    async def scenario() -> None:
        async with smarthost(mechanisms=mechanisms, is_implicit=demand.is_implicit) as sink:
            connection = await reach(sink, demand)
            assert connection.peer.certificate == "route verified"
            [outcome] = await send(connection, message())
            assert isinstance(outcome, Delivered)
            await connection.quit()
            [signed_in] = [each for each in sink.commands if each.startswith("AUTH")]
            assert signed_in.split(" ")[1] == used
            assert sink.received[0].is_tls
            # Of the three only PLAIN and LOGIN say it at all, and those in TLS.
            assert US.password not in str(sink.commands)

    run(scenario())


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_a_wrong_password_keeps_mail_waiting_and_says_what_the_server_said(mechanisms: str) -> None:
    async def scenario() -> None:
        async with smarthost(mechanisms=mechanisms) as sink:
            outcome = await deferral(sink, credentials=Credentials("us", "falsch"))
            assert outcome.status == "4.7.8"
            assert "does not let this host in" in outcome.reply
            assert "falsch" not in outcome.reply

    run(scenario())


def test_a_smarthost_that_has_no_way_to_sign_in_that_is_known_here() -> None:
    async def scenario() -> None:
        async with smarthost(mechanisms="NTLM") as sink:
            assert "offers only NTLM" in (await deferral(sink)).reply
            sink.extensions = DEFAULT_EXTENSIONS
            assert "offers no way" in (await deferral(sink)).reply

    run(scenario())


@pytest.mark.parametrize(
    "answer", ["334 !!!", "334", "250 what?", "454 4.7.0 not now", "421 4.3.2 bye", CLOSE]
)
@pytest.mark.parametrize("mechanism", ["LOGIN", "SCRAM-SHA-256"])
def test_answers_that_do_not_fit_are_no_sign_in(mechanism: str, answer: str) -> None:
    async def scenario() -> None:
        async with smarthost(mechanisms=mechanism) as sink:
            sink.login = ("", "")  # it would take mail from anybody
            sink.say("AUTH", answer)
            outcome = await deferral(sink)
            assert outcome.status in ("4.7.0", "4.7.8", "4.3.2", "4.4.2")

    run(scenario())


@pytest.mark.parametrize("demand", [None, InClear()])
def test_a_password_is_said_to_nobody_who_was_not_verified_unless_the_route_says_so(
    demand: Demand | None,
) -> None:
    async def scenario() -> None:
        async with smarthost(issued=None if demand else WRONG) as sink:
            assert "not verified" in (await deferral(sink, demand)).reply
            assert not any(each.startswith("AUTH") for each in sink.commands)
            allowed = Credentials(US.login, US.password, allows_clear=True)
            connection = await reach(sink, demand, allowed)
            assert isinstance((await send(connection, message()))[0], Delivered)
            assert sink.received[0].is_tls is (demand is None)
            await connection.quit()

    run(scenario())


@pytest.mark.parametrize(
    ("demand", "issued", "status", "words"),
    [
        (VERIFIED, None, "4.7.4", "offers no encryption"),
        (VERIFIED, WRONG, "4.7.5", "could not be verified as the route smart asks"),
        (IMPLICIT, WRONG, "4.7.5", "could not be verified as the route smart asks"),
    ],
)
def test_nothing_goes_to_a_smarthost_that_is_not_who_it_is_to_be(
    demand: Named, issued: Issued | None, status: str, words: str
) -> None:
    async def scenario() -> None:
        async with smarthost(issued=issued, is_implicit=demand.is_implicit) as sink:
            outcome = await deferral(sink, demand)
            assert outcome.status == status
            assert words in outcome.reply
            assert not any(each.startswith(("AUTH", "MAIL")) for each in sink.commands)

    run(scenario())


@pytest.mark.parametrize("demand", [VERIFIED, IMPLICIT])
def test_a_smarthost_given_by_its_address_is_verified_by_that(demand: Named) -> None:
    async def scenario() -> None:
        issued = CA.issue("127.0.0.1")
        async with smarthost(issued=issued, is_implicit=demand.is_implicit) as sink:
            assert sink.tls is not None
            named: list[str | None] = []
            sink.tls.sni_callback = lambda socket, name, context: named.append(name)
            connection = await reach(sink, demand, host="127.0.0.1")
            assert connection.peer.certificate == "route verified"
            await connection.quit()
            assert named == [None]  # RFC 6066 section 3: no address is said there
            outcome = await deferral(sink, demand, host="127.0.0.2")
            assert "is for 127.0.0.1, and not for 127.0.0.2" in outcome.reply

    run(scenario())


def test_in_clear_where_the_route_says_so() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = RIGHT.context()
            connection = await reach(sink, InClear(), None)
            assert connection.peer.tls == ""
            assert "STARTTLS" not in sink.commands
            await connection.quit()

    run(scenario())


# Pools.

POOL = (Source("127.0.0.2", "two.example.test"), Source("127.0.0.3"), Source("::1", "six.example.test"))


def test_a_destination_sees_one_address_and_its_name() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink, dns_server() as dns:
            for number in range(12):
                dns.say(f"d{number}.test", "A", "127.0.0.1")
            route = Route(sink.port, True, sources=POOL, departure=Departure(ehlo_name="pool.example.test"))
            for number in [*range(12), *range(12)]:
                hops = await find_next_hops(
                    f"d{number}.test",
                    resolver=dns.resolver(),
                    route=route,
                    random=Random(1),
                    which_are_ours=nobody,
                )
                assert not isinstance(hops, Deferred)
                [hop] = hops  # type: ignore[misc]
                connection = await open_connection(hop, own_name="mail.example.test", timeouts=PATIENT)
                await connection.quit()
            assert set(sink.clients) == {"127.0.0.2", "127.0.0.3"}
            assert sink.clients[:12] == sink.clients[12:]
            names = [each for each in sink.commands if each.startswith("EHLO")]
            expected = {"127.0.0.2": "two.example.test", "127.0.0.3": "pool.example.test"}
            assert names == [f"EHLO {expected[each]}" for each in sink.clients]

    run(scenario())


async def nobody(hosts: object) -> set[str]:
    return set()


async def hops_by(*sources: Source, address: str = "127.0.0.1") -> Any:
    async with dns_server() as dns:
        dns.say("far.test", "AAAA" if ":" in address else "A", address)
        route = Route(25, True, name="pool", sources=sources)
        return await find_next_hops(
            "far.test", resolver=dns.resolver(), route=route, random=Random(1), which_are_ours=nobody
        )


def test_an_address_that_this_machine_does_not_have_is_left_out_and_with_none_mail_waits() -> None:
    async def scenario() -> None:
        [hop] = await hops_by(Source("203.0.113.71"), Source("127.0.0.2"))
        assert hop.departure.source == "127.0.0.2"
        nothing = await hops_by(Source("203.0.113.71"), Source("203.0.113.72"))
        assert isinstance(nothing, Deferred)
        assert (
            nothing.reply
            == "The route pool sends from 203.0.113.71, 203.0.113.72, which this machine does not have."
        )

    run(scenario())


def test_a_pool_of_one_family_reaches_hosts_of_that_family() -> None:
    async def scenario() -> None:
        [hop] = await hops_by(Source("127.0.0.2"), Source("::1"), address="::1")
        assert hop.departure.source == "::1"
        nothing = await hops_by(Source("127.0.0.2"), address="::1")
        assert isinstance(nothing, Deferred)
        assert "no address of a kind" in nothing.reply

    run(scenario())


def test_an_address_that_goes_meanwhile_is_told_and_no_crash() -> None:
    async def scenario() -> None:
        with pytest.raises(
            WireLost, match=r"203\.0\.113\.71, which is to be sent from, is no address of this machine"
        ):
            await Wire.open("127.0.0.1", 9, seconds=1, source="203.0.113.71")

    run(scenario())


def test_one_address_more_moves_few_destinations() -> None:
    class Everything(AddressesHere):
        def __contains__(self, address: object) -> bool:
            return True

    pool = [Source(f"192.0.2.{number}") for number in range(1, 9)]
    names = [f"d{number}.test" for number in range(400)]
    before = [pick(pool, destination=name, here=Everything())[False].address for name in names]
    after = [
        pick([*pool, Source("192.0.2.9")], destination=name, here=Everything())[False].address
        for name in names
    ]
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {"192.0.2.9"}
    assert len(moved) < len(names) / 4
    assert min(before.count(each.address) for each in pool) > 20


def test_which_addresses_are_here_is_remembered_for_a_minute() -> None:
    now = [0.0]
    here = AddressesHere(lambda: now[0])
    assert missing([Source("127.0.0.9"), Source("203.0.113.71"), Source("2001:db8::1")], here) == [
        "203.0.113.71",
        "2001:db8::1",
    ]
    here._known["203.0.113.71"] = (60.0, True)
    assert "203.0.113.71" in here
    now[0] = 60.0
    assert "203.0.113.71" not in here


def test_what_an_address_of_a_pool_looks_like() -> None:
    assert parse_source(" 2001:DB8::1  Mail.Example.Test ") == Source("2001:db8::1", "mail.example.test")
    for text in ("host.test", "::", "224.0.0.1", "192.0.2.1 a b"):
        with pytest.raises(ValueError, match=r"IP|send from|name"):
            parse_source(text)


# What a message asks for, through a smarthost.


def asking(**asked: Any) -> Any:
    return replace(message(), **asked)


async def reached(sink: SmtpSink, demand: Demand | None) -> RelayConnection:
    departure = Departure(demand=demand, credentials=replace(US, allows_clear=True))
    hop = NextHop(HOST, sink.address, sink.port, departure=departure)
    securing = Securing(
        TlsPolicy("far.test", trusts_name=True), clock=lambda: NOON, trust=lambda: Store([CA.certificate])
    )
    return await open_connection(hop, own_name="mail.example.test", timeouts=PATIENT, tls=securing)


@pytest.mark.parametrize(
    ("demand", "issued", "offers", "status"),
    [
        (VERIFIED, RIGHT, True, ""),
        (IMPLICIT, RIGHT, True, ""),
        (None, RIGHT, True, ""),  # nothing is asked of TLS, and yet its certificate is right
        (VERIFIED, RIGHT, False, "5.7.30"),
        (None, WRONG, True, "5.7.10"),
        (InClear(), RIGHT, True, "5.7.10"),
    ],
)
def test_requiretls_holds_through_a_smarthost(
    demand: Demand | None, issued: Issued, offers: bool, status: str
) -> None:
    async def scenario() -> None:
        async with smarthost(issued=issued, is_implicit=demand == IMPLICIT) as sink:
            sink.extensions = (*sink.extensions, *(["REQUIRETLS"] if offers else []))
            connection = await reached(sink, demand)
            [outcome] = await send(connection, asking(requires_tls=True))
            mails = [each for each in sink.commands if each.startswith("MAIL")]
            if status:
                assert isinstance(outcome, Bounced)
                assert (outcome.status, mails) == (status, [])
            else:
                assert isinstance(outcome, Delivered)
                assert mails[0].endswith(" REQUIRETLS")
            # The same connection, for a message that does not ask.
            assert isinstance((await send(connection, message()))[0], Delivered)
            assert "REQUIRETLS" not in [each for each in sink.commands if each.startswith("MAIL")][-1]
            await connection.quit()

    run(scenario())


@pytest.mark.parametrize("offers", [True, False])
def test_dsn_is_passed_on_to_a_smarthost_that_knows_it(offers: bool) -> None:
    async def scenario() -> None:
        async with smarthost() as sink:
            sink.extensions = (*sink.extensions, *(["DSN"] if offers else []))
            connection = await reached(sink, VERIFIED)
            bob = Recipient("bob@far.test", notify="SUCCESS,FAILURE", orcpt="rfc822;b@far.test")
            [outcome] = await send(connection, asking(recipients=[bob], ret="HDRS", envid="x1"))
            assert isinstance(outcome, Delivered)
            assert outcome.keeps_dsn is offers  # where it does not know it, this host tells
            [mail] = [each for each in sink.commands if each.startswith("MAIL")]
            [rcpt] = [each for each in sink.commands if each.startswith("RCPT")]
            assert mail.endswith(" RET=HDRS ENVID=x1") is offers
            expected = " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@far.test" if offers else ""
            assert rcpt == f"RCPT TO:<bob@far.test>{expected}"
            await connection.quit()

    run(scenario())
