"""The delivery test: what it says of each step, and that it never sends anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from cryptography.x509.verification import Store

from delivery.probe import Probe
from delivery.probe_policies import NOT_VALIDATED, policies_in_words
from delivery.probe_steps import State, Step, Verdict
from delivery.relay.connection import Timeouts
from delivery.relay.demands import Demand, InClear, Named
from delivery.relay.departure import AS_THE_SYSTEM_SAYS, Credentials, Departure
from delivery.relay.next_hops import NextHop, Route
from delivery.relay.tls.finding import FoundPolicies, TlsPolicies
from delivery.relay.tls.mta_sts import FetchFailed, KeptPolicy, StsPolicies
from delivery.relay.tls.policy import TlsPolicy
from delivery.relay.tls.verifying import Securing
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.mta_sts import Mode, StsPolicy
from tests.support.authorities import Authority, self_signed
from tests.support.dns_server import DnsServer, dns_server
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, GREETING, HANG, SmtpSink, smtp_sink

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CA = Authority(NOON)
PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, final_dot=10, quit=0.2)


async def nobody_of_ours(hosts: Sequence[str]) -> set[str]:
    return set()


async def found_here(address: EmailAddress) -> str | None:
    if address.domain != "here.test":
        return None
    return "" if address.local_part == "alice" else "There is no such address here."


@dataclass
class Policies:
    """Of web servers, by domain; nothing is kept."""

    served: dict[str, StsPolicy] = field(default_factory=dict)

    async def fetch(self, domain: str) -> StsPolicy:
        if domain not in self.served:
            raise FetchFailed("sts-policy-fetch-error", "The web server is away.")
        return self.served[domain]

    async def read(self, domain: str) -> KeptPolicy | None:
        return None

    async def write(self, domain: str, kept: KeptPolicy) -> None:
        pass


async def steps(
    dns: DnsServer,
    sink: SmtpSink | None,
    to: str = "bob@far.test",
    *,
    sender: str = "postmaster@here.test",
    policies: Policies | None = None,
    validates: bool = True,
    departure: Departure = AS_THE_SYSTEM_SAYS,
    timeouts: Timeouts = PATIENT,
    **columns: Any,
) -> list[Step]:
    resolver = dns.resolver()
    resolver.validates = validates
    web = policies or Policies()
    sts = StsPolicies(resolver, web.fetch, web, lambda: NOON)
    probe = Probe(
        resolver=resolver,
        tls=TlsPolicies(resolver, sts, lambda: NOON, lambda: Store([CA.certificate])),
        route=Route(port=sink.port if sink else 1, to_private=True, departure=departure),
        own_name="mx.here.test",
        which_are_ours=nobody_of_ours,
        find_recipient=found_here,
        random=Random(1),
        timeouts=timeouts,
        **columns,
    )
    return [step async for step in probe.run(forward_path=to, reverse_path=sender)]


def names(told: list[Step]) -> list[tuple[str, str]]:
    return [(step.name, step.state.value) for step in told]


def test_every_step_of_a_mail_that_could_leave_is_told_and_nothing_is_sent() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            dns.say("far.test", "MX", "10 mx.far.test.")
            dns.say("mx.far.test", "A", "127.0.0.1")
            told = await steps(dns, sink)
            assert names(told) == [
                ("Address", "done"),
                ("Mail servers", "done"),
                ("Policies", "done"),
                ("Connection", "done"),
                ("Encryption", "noted"),
                ("Extensions", "done"),
                ("Sender", "done"),
                ("Recipient", "done"),
                ("Result", "done"),
            ]
            assert told[-1].verdict is Verdict.LEAVES
            assert "mx.far.test (127.0.0.1)" in told[1].text
            assert "PIPELINING" in told[5].text
            assert told[7].text == "RCPT TO:<bob@far.test> → 250 2.1.5 ok"
            assert sink.commands == [
                "EHLO mx.here.test",
                "MAIL FROM:<postmaster@here.test> SIZE=1",
                "RCPT TO:<bob@far.test>",
                "RSET",
                "QUIT",
            ]
            assert not sink.received

    run(scenario())


@pytest.mark.parametrize(
    ("beginning", "reply", "name", "verdict"),
    [
        ("RCPT", "550 5.1.1 no such user", "Recipient", Verdict.COMES_BACK),
        ("RCPT", "451 4.7.1 come back later", "Recipient", Verdict.WAITS),
        ("MAIL", "553 5.7.1 not from you", "Sender", Verdict.COMES_BACK),
        ("MAIL", CLOSE, "Sender", Verdict.WAITS),
        ("RCPT", HANG, "Recipient", Verdict.WAITS),
        (GREETING, "554 not today", "Connection", Verdict.WAITS),
        (GREETING, "521 never", "Connection", Verdict.COMES_BACK),
        (GREETING, CLOSE, "Connection", Verdict.WAITS),
    ],
)
def test_where_it_fails_is_told_with_the_servers_own_words(
    beginning: str, reply: str, name: str, verdict: Verdict
) -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            dns.say("far.test", "MX", "10 mx.far.test.")
            dns.say("mx.far.test", "A", "127.0.0.1")
            sink.say(beginning, reply)
            timeouts = replace(PATIENT, command=1) if reply == HANG else PATIENT
            told = await steps(dns, sink, timeouts=timeouts)
            assert names(told)[-2:] == [(name, "failed"), ("Result", "failed")]
            assert told[-1].verdict is verdict
            assert reply in (CLOSE, HANG) or reply in told[-2].text
            assert not sink.received

    run(scenario())


def test_the_next_server_is_asked_where_the_first_does_not_answer() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            dns.say("far.test", "MX", "10 dead.far.test.", "20 mx.far.test.")
            dns.say("dead.far.test", "A", "127.0.0.2")
            dns.say("mx.far.test", "A", "127.0.0.1")
            told = await steps(dns, sink)
            assert names(told)[3:5] == [("Connection", "failed"), ("Connection", "done")]
            assert told[-1].verdict is Verdict.LEAVES

    run(scenario())


@pytest.mark.parametrize(
    ("to", "verdict", "text"),
    [
        ("not an address", Verdict.COMES_BACK, "That is no address."),
        ("bob@missing.test", Verdict.COMES_BACK, "missing.test"),
        ("bob@null.test", Verdict.COMES_BACK, "takes no mail"),
        ("bob@broken.test", Verdict.WAITS, "broken.test"),
        ("alice@here.test", Verdict.STAYS, "It is hosted here."),
        ("ghost@here.test", Verdict.COMES_BACK, "There is no such address here."),
    ],
)
def test_what_leads_to_no_server_is_told(to: str, verdict: Verdict, text: str) -> None:
    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("null.test", "MX", "0 .")
            dns.broken.add("broken.test")
            told = await steps(dns, None, to)
            assert told[-1].verdict is verdict
            assert any(text in step.text for step in told)
            assert told[-1].state is (State.DONE if verdict is Verdict.STAYS else State.FAILED)

    run(scenario())


def test_an_address_that_the_server_cannot_be_told_is_not_told() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            dns.say("far.test", "MX", "10 mx.far.test.")
            dns.say("mx.far.test", "A", "127.0.0.1")
            told = await steps(dns, sink, "jörg@far.test")
            assert names(told)[-2:] == [("Addresses", "failed"), ("Result", "failed")]
            assert not any(command.startswith("MAIL") for command in sink.commands)
            sink.extensions = (*sink.extensions, "SMTPUTF8")
            assert (await steps(dns, sink, "jörg@far.test"))[-1].verdict is Verdict.LEAVES

    run(scenario())


def test_where_nothing_is_to_leave_nobody_is_connected_to() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            dns.say("far.test", "MX", "10 mx.far.test.")
            dns.say("mx.far.test", "A", "127.0.0.1")
            told = await steps(dns, sink, is_capturing=True)
            assert names(told) == [("Address", "done"), ("Way out", "noted"), ("Result", "done")]
            assert "MAILHOST_RELAY is capture" in told[1].text
            assert told[-1].verdict is Verdict.STAYS
            assert (sink.connections, dns.asked) == (0, [])
            told = await steps(dns, sink, "ghost@here.test", is_capturing=True)
            assert told[-1].verdict is Verdict.COMES_BACK

    run(scenario())


def test_where_the_domains_list_has_the_address_nobody_is_asked() -> None:
    async def on_the_list(address: EmailAddress, reverse_path: str) -> str:
        return f"{address} complained." if reverse_path == "postmaster@here.test" else ""

    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            say_far(dns)
            told = await steps(dns, sink, find_suppression=on_the_list)
            assert names(told)[1:] == [("Suppression list", "failed"), ("Result", "failed")]
            assert told[1].text == "bob@far.test complained."
            assert told[-1].verdict is Verdict.COMES_BACK
            assert not dns.asked
            assert not sink.connections
            told = await steps(dns, sink, sender="postmaster@other.test", find_suppression=on_the_list)
            assert told[-1].verdict is Verdict.LEAVES

    run(scenario())


def test_who_refused_the_password_lately_is_not_signed_in_with(shared_db: None) -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            say_far(dns)
            sink.extensions, sink.login = (*sink.extensions, "AUTH PLAIN"), ("us", "geheim")
            departure = Departure(credentials=Credentials("us", "falsch", allows_clear=True))
            told = await steps(dns, sink, departure=departure)
            assert names(told)[-2:] == [("Connection", "failed"), ("Result", "failed")]
            told = await steps(dns, sink, departure=departure)
            assert names(told)[-2:] == [("Signing in", "failed"), ("Result", "failed")]
            assert "It was not tried." in told[-2].text
            assert told[-1].verdict is Verdict.WAITS
            assert sink.connections == 1

    run(scenario())


HOST = "mx.far.test"
ENFORCE = Policies({"far.test": StsPolicy(Mode.ENFORCE, 86_400, (HOST,))})


def say_far(dns: DnsServer) -> None:
    dns.say("far.test", "MX", f"10 {HOST}.")
    dns.say(HOST, "A", "127.0.0.1")


def texts(told: list[Step], name: str) -> list[str]:
    return [f"{step.state.value}: {step.text}" for step in told if step.name == name]


def test_dane_is_told_and_held_to() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            say_far(dns)
            right = CA.issue(HOST)
            sink.tls = right.context()
            tlsa = f"_{sink.port}._tcp.{HOST}"
            dns.say(tlsa, "TLSA", f"3 0 0 {right.der.hex()}")
            dns.signed |= {"far.test", HOST, tlsa}
            told = await steps(dns, sink)
            assert texts(told, "Policies") == [
                "done: DANE: mx.far.test must be encrypted to, and show a certificate that a TLSA record in signed DNS "
                "names."
            ]
            assert texts(told, "Encryption")[0].endswith("the server's certificate: dane-ee verified.")
            assert told[-1].verdict is Verdict.LEAVES
            sink.tls = CA.issue(HOST).context()
            told = await steps(dns, sink)
            assert "could not be verified as the DNS of far.test (DANE) asks" in texts(told, "Connection")[0]
            assert told[-1].verdict is Verdict.WAITS
            dns.broken.add(tlsa)
            told = await steps(dns, sink)
            assert texts(told, "Policies")[0].startswith("failed: Whether mx.far.test asks for verified")
            assert told[-1].verdict is Verdict.WAITS

    run(scenario())


@pytest.mark.parametrize(
    ("demand", "text", "verdict"),
    [
        (
            Named("out"),
            "The route out asks for encryption, and for a certificate that is trusted, for mx.far.test.",
            Verdict.WAITS,
        ),
        (InClear(), "The route asks for no encryption.", Verdict.LEAVES),
    ],
)
def test_what_the_route_asks_for_is_told_and_held_to(demand: Demand, text: str, verdict: Verdict) -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            say_far(dns)
            sink.tls = self_signed(HOST, now=NOON).context()
            told = await steps(dns, sink, departure=Departure(demand=demand))
            assert texts(told, "Policies") == [f"done: {text}"]
            assert told[-1].verdict is verdict

    run(scenario())


@pytest.mark.parametrize(
    ("demand", "is_smarthost", "counts_alone"),
    [(Named("out"), True, True), (Named("out"), False, False), (InClear(), False, True), (None, True, False)],
)
def test_that_dane_is_not_looked_for_is_told_where_it_would_be(
    demand: Demand | None, is_smarthost: bool, counts_alone: bool
) -> None:
    hop = NextHop(HOST, "127.0.0.1", 25, is_smarthost=is_smarthost)
    securing = Securing(TlsPolicy("far.test").under(demand))
    found = FoundPolicies((hop,), {}, {HOST: securing})
    told = [text for _, text in policies_in_words(found, [], validates=False)]
    assert (NOT_VALIDATED not in told) is counts_alone


def test_mta_sts_is_told_and_held_to() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            say_far(dns)
            dns.say("_mta-sts.far.test", "TXT", '"v=STSv1; id=a1"')
            sink.tls = CA.issue(HOST).context()
            told = await steps(dns, sink, policies=ENFORCE)
            assert texts(told, "Policies") == [
                "done: MTA-STS: mail for far.test goes to mx.far.test alone, encrypted, and to certificates that are "
                "trusted."
            ]
            assert texts(told, "Encryption")[0].endswith("the server's certificate: mta-sts verified.")
            assert told[-1].verdict is Verdict.LEAVES
            sink.tls = self_signed(HOST, now=NOON).context()
            told = await steps(dns, sink, policies=ENFORCE)
            assert "The certificate is self-signed." in texts(told, "Connection")[0]
            assert told[-1].verdict is Verdict.WAITS
            testing = Policies({"far.test": StsPolicy(Mode.TESTING, 86_400, (HOST,))})
            told = await steps(dns, sink, policies=testing)
            assert texts(told, "Encryption")[0].startswith("noted: ")
            assert told[-1].verdict is Verdict.LEAVES
            dns.say("far.test", "MX", "10 mx.evil.test.")
            dns.say("mx.evil.test", "A", "127.0.0.1")
            told = await steps(dns, sink, policies=ENFORCE)
            assert texts(told, "Policies") == [
                "failed: mx.evil.test is not among the mail servers that the MTA-STS policy of far.test allows."
            ]
            assert texts(told, "Connection") == []

    run(scenario())


def test_what_could_not_be_found_out_about_policies_is_told() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            say_far(dns)
            dns.say("_mta-sts.far.test", "TXT", '"v=STSv1; id=a1"')
            told = await steps(dns, sink, validates=False)
            assert [text.partition(".")[0] for text in texts(told, "Policies")] == [
                "noted: There is no MTA-STS policy, though there is a record of one",
                "done: No policy asks for encryption: it is used where the server offers it",
                "noted: DANE is not looked for: this host's DNS server does not validate, or is not on this machine "
                "(MAILHOST_RESOLVER_IS_BELIEVED)",
            ]
            assert told[-1].verdict is Verdict.LEAVES

    run(scenario())
