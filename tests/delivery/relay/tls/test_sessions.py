"""TLS sessions with a scripted server, as policies ask for them: each way in which a certificate can be wrong."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.verification import Store

from delivery.relay.connection import ConnectFailed, RelayConnection, Timeouts, open_connection
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred
from delivery.relay.tls.policy import Dane, Opportunistic, Sts, TlsPolicy
from delivery.relay.tls.sessions import TlsSession
from delivery.relay.tls.verifying import Securing
from mailhost.protocols.dane import TlsaRecord
from mailhost.protocols.mta_sts import Mode, StsPolicy
from tests.support.authorities import Authority, Issued, self_signed
from tests.support.running import run
from tests.support.smtp_sink import SmtpSink, smtp_sink

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOST = "mx.far.test"
CA = Authority(NOON)
STRANGER = Authority(NOON, name="Somebody else")
RIGHT = CA.issue(HOST)
PATIENT = Timeouts(connect=5, greeting=5, command=5, quit=1)

ENFORCE = Sts(StsPolicy(Mode.ENFORCE, 86_400, (HOST,)))
TESTING = Sts(StsPolicy(Mode.TESTING, 86_400, (HOST,)))


def dane(*records: TlsaRecord) -> Dane:
    return Dane(records, (HOST, "far.test"))


def full(issued: Issued | Authority, usage: int) -> TlsaRecord:
    return TlsaRecord(usage, 0, 0, issued.der)


DANE_EE = dane(full(RIGHT, 3))
DANE_TA = dane(full(CA, 2))

WRONG = {
    "wrong name": (CA.issue("mx.elsewhere.test"), "certificate-host-mismatch"),
    "no DNS-ID": (CA.issue(common_name=HOST), "certificate-host-mismatch"),
    "expired": (CA.issue(HOST, ends=NOON - timedelta(hours=1)), "certificate-expired"),
    "not yet": (CA.issue(HOST, begins=NOON + timedelta(hours=1)), "certificate-expired"),
    "self-signed": (self_signed(HOST, now=NOON), "certificate-not-trusted"),
    "another authority": (STRANGER.issue(HOST), "certificate-not-trusted"),
}


@dataclass
class Far:
    """A server, and what was told of sessions with it."""

    sink: SmtpSink
    demand: Opportunistic | Dane | Sts
    told: list[TlsSession] = field(default_factory=list)

    async def reach(self) -> RelayConnection:
        policy = TlsPolicy("far.test", self.demand)
        trust = Store([CA.certificate])
        securing = Securing(policy, self.told.append, lambda: NOON, lambda: trust)
        hop = NextHop(HOST, self.sink.address, self.sink.port)
        return await open_connection(hop, own_name="mail.example.test", timeouts=PATIENT, tls=securing)

    async def deferral(self) -> Deferred:
        with pytest.raises(ConnectFailed) as failure:
            await self.reach()
        assert isinstance(failure.value.outcome, Deferred)
        return failure.value.outcome

    @property
    def results(self) -> Sequence[str]:
        return [each.result for each in self.told]


@pytest.mark.parametrize(
    ("demand", "server", "words"),
    [
        (Opportunistic(), self_signed("x.test", now=NOON), "not checked"),
        (ENFORCE, RIGHT, "mta-sts verified"),
        (ENFORCE, CA.issue("*.far.test"), "mta-sts verified"),
        (ENFORCE, Authority(NOON, name="Issuing", above=CA).issue(HOST), "mta-sts verified"),
        (TESTING, RIGHT, "mta-sts verified"),
        (DANE_EE, RIGHT, "dane-ee verified"),
        (DANE_TA, RIGHT, "dane-ta verified"),
        (DANE_TA, CA.issue("far.test"), "dane-ta verified"),
        (dane(full(CA, 3), full(RIGHT, 3)), RIGHT, "dane-ee verified"),
        (dane(), self_signed("x.test", now=NOON), "not checked"),
    ],
)
def test_a_session_that_is_as_the_policy_asks(
    demand: Opportunistic | Dane | Sts, server: Issued, words: str
) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = server.context()
            far = Far(sink, demand)
            connection = await far.reach()
            assert connection.peer.tls.startswith("TLSv1.3")
            assert connection.peer.certificate == words
            invalid = (
                isinstance(demand, Dane) and not demand.records
            )  # RFC 8460 section 4.3.2.1, and mail goes
            assert (far.results, sink.connections) == (["tlsa-invalid" if invalid else ""], 1)
            told = far.told[0]
            assert (told.policy_domain, told.mx_host) == ("far.test", HOST)
            assert (told.receiving_ip, told.sending_ip) == ("127.0.0.1", "127.0.0.1")
            await connection.quit()

    run(scenario())


def test_where_python_tells_no_chain_the_certificate_itself_still_counts_and_the_rest_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mailhost.net.peer_chain._METHOD", "get_what_there_is_not")

    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = RIGHT.context()
            for demand in (DANE_EE, Opportunistic()):
                await (await Far(sink, demand).reach()).quit()
            outcome = await Far(sink, DANE_TA).deferral()
            assert outcome.status == "4.7.5"
            assert outcome.reply.endswith("and no authorities that it showed with it.)")

    run(scenario())


def test_dane_ee_asks_for_neither_name_nor_date() -> None:
    async def scenario() -> None:
        odd = STRANGER.issue("nobody.test", ends=NOON - timedelta(days=1) + timedelta(hours=1))
        async with smtp_sink() as sink:
            sink.tls = odd.context()
            connection = await Far(sink, dane(full(odd, 3))).reach()
            assert connection.peer.certificate == "dane-ee verified"
            connection.abort()

    run(scenario())


@pytest.mark.parametrize("why", WRONG)
def test_mail_does_not_go_where_an_enforced_policy_is_not_met(why: str) -> None:
    server, result = WRONG[why]

    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = server.context()
            far = Far(sink, ENFORCE)
            deferred = await far.deferral()
            assert deferred.status == "4.7.5"
            assert deferred.reply.startswith(
                "mx.far.test could not be verified as the MTA-STS policy of far.test asks. The certificate "
            )
            assert deferred.peer.tls.startswith("TLSv1.3")
            assert deferred.peer.certificate.startswith("failed: The certificate ")
            assert (far.results, sink.connections) == ([result], 1)
            assert far.told[0].policy_type == "sts"
            assert "mode: enforce" in far.told[0].policy_strings
            assert sink.commands == ["EHLO mail.example.test", "STARTTLS"]

    run(scenario())


@pytest.mark.parametrize("why", WRONG)
def test_in_testing_mode_mail_goes_and_the_failure_is_told(why: str) -> None:
    server, result = WRONG[why]

    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = server.context()
            far = Far(sink, TESTING)
            connection = await far.reach()
            assert connection.peer.certificate.startswith("failed: ")
            assert (far.results, sink.connections) == ([result], 1)
            assert "MAIL" not in sink.commands
            await connection.quit()

    run(scenario())


@pytest.mark.parametrize("why", ["wrong name", "expired", "not yet", "self-signed", "another authority"])
def test_mail_does_not_go_where_dane_ta_is_not_met(why: str) -> None:
    server, result = WRONG[why]

    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = server.context()
            far = Far(sink, DANE_TA)
            deferred = await far.deferral()
            assert deferred.status == "4.7.5"
            assert "mx.far.test could not be verified as the DNS of far.test (DANE) asks." in deferred.reply
            assert (far.results, sink.connections) == ([result], 1)
            assert far.told[0].policy_type == "tlsa"
            assert far.told[0].policy_strings == (f"2 0 0 {CA.der.hex()}",)

    run(scenario())


def test_mail_does_not_go_to_another_certificate_than_dane_ee_names() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = CA.issue(HOST).context()
            far = Far(sink, DANE_EE)
            assert (await far.deferral()).status == "4.7.5"
            assert far.results == ["certificate-not-trusted"]

    run(scenario())


@pytest.mark.parametrize("demand", [ENFORCE, DANE_EE, DANE_TA, dane()], ids=["sts", "ee", "ta", "any"])
def test_mail_does_not_go_in_clear_where_a_policy_forbids_it(demand: Dane | Sts) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:  # STARTTLS was taken out of the answer to EHLO
            far = Far(sink, demand)
            deferred = await far.deferral()
            assert deferred.status == "4.7.4"
            assert deferred.reply.startswith("mx.far.test offers no encryption (STARTTLS), which ")
            assert (far.results, sink.connections) == (["starttls-not-supported"], 1)
        async with smtp_sink() as sink:
            sink.tls = RIGHT.context()
            sink.say("STARTTLS", "454 4.7.0 not now")
            far = Far(sink, demand)
            deferred = await far.deferral()
            assert deferred.status == "4.7.4"
            assert deferred.reply.endswith("It said: 454 4.7.0 not now")
        async with smtp_sink() as sink:
            sink.tls, sink.breaks_tls = RIGHT.context(), True
            far = Far(sink, demand)
            deferred = await far.deferral()
            assert deferred.status == "4.7.5"
            assert "could not be spoken to as" in deferred.reply
            assert (far.results, sink.connections) == (["validation-failure"], 1)
        async with smtp_sink() as sink:
            sink.tls = RIGHT.context()
            sink.say("STARTTLS", "220 go\r\n250 injected")
            far = Far(sink, demand)
            assert (await far.deferral()).status == "4.7.5"
            assert sink.connections == 1

    run(scenario())


@pytest.mark.parametrize("demand", [Opportunistic(), TESTING], ids=["none", "testing"])
def test_mail_goes_in_clear_where_none_forbids_it(demand: Opportunistic | Sts) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            far = Far(sink, demand)
            connection = await far.reach()
            assert (connection.peer.tls, connection.peer.certificate) == ("", "")
            assert (far.results, sink.connections) == (["starttls-not-supported"], 1)
            await connection.quit()
        async with smtp_sink() as sink:
            sink.tls, sink.breaks_tls = RIGHT.context(), True
            far = Far(sink, demand)
            connection = await far.reach()
            assert connection.peer.tls == ""
            assert (far.results, sink.connections) == (["validation-failure"], 2)
            await connection.quit()

    run(scenario())


def test_testing_mode_tells_of_a_host_that_enforcing_would_keep_mail_from() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = RIGHT.context()
            far = Far(sink, replace(TESTING, is_named=False))
            connection = await far.reach()
            assert far.results == ["validation-failure"]
            assert far.told[0].detail == "mx.far.test is not among the policy's MX hosts."
            await connection.quit()

    run(scenario())


def test_the_server_is_told_the_base_of_its_tlsa_records() -> None:
    """RFC 7672 section 8.1: SNI is the TLSA base domain."""

    async def scenario() -> None:
        async with smtp_sink() as sink:
            asked: list[str | None] = []

            def note(session: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
                asked.append(name)

            sink.tls = RIGHT.context()
            sink.tls.sni_callback = note
            connection = await Far(sink, Dane((full(RIGHT, 3),), ("real.far.test", HOST))).reach()
            connection.abort()
            connection = await Far(sink, ENFORCE).reach()
            connection.abort()
            assert asked == ["real.far.test", HOST]

    run(scenario())


def test_without_trusted_authorities_nobody_is_verified() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = RIGHT.context()
            securing = Securing(TlsPolicy("far.test", ENFORCE), clock=lambda: NOON, trust=lambda: None)
            with pytest.raises(ConnectFailed):
                await open_connection(
                    NextHop(HOST, sink.address, sink.port), own_name="x", timeouts=PATIENT, tls=securing
                )

    run(scenario())


def test_no_name_makes_a_failure_a_success() -> None:
    """Why a certificate was refused ends with the host's name, which is its owner's choice."""
    securing = Securing(
        TlsPolicy("far.test", TESTING), clock=lambda: NOON, trust=lambda: Store([CA.certificate])
    )
    verdict = securing.judge(NextHop("mx.verified", "192.0.2.1", 25), [RIGHT.der])
    assert verdict.words.endswith("not for mx.verified")
    assert not verdict.is_verified
