"""REQUIRETLS on the way out (RFC 8689 section 4.2.1): to whom such mail goes, and why it comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.verification import Store

from delivery.relay.connection import RelayConnection, Timeouts, open_connection
from delivery.relay.demands import Named
from delivery.relay.departure import AS_THE_SYSTEM_SAYS, Departure
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Bounced, Delivered, Outcome
from delivery.relay.tls.policy import Dane, Opportunistic, Sts, TlsPolicy
from delivery.relay.tls.verifying import Securing
from delivery.relay.transaction import Recipient, Transaction, send
from mailhost.protocols.dane import TlsaRecord
from mailhost.protocols.mta_sts import Mode, StsPolicy
from mailhost.protocols.smtp.client import encode_data
from tests.support.authorities import Authority, Issued, self_signed
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS, SmtpSink, smtp_sink

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOST = "mx.far.test"
CA = Authority(NOON)
RIGHT = CA.issue(HOST)
PATIENT = Timeouts(connect=5, greeting=5, command=5, data=5, block=5, final_dot=5, quit=1)
OFFERED = (*DEFAULT_EXTENSIONS, "REQUIRETLS")

ENFORCE = Sts(StsPolicy(Mode.ENFORCE, 86_400, (HOST,)))
TESTING = Sts(StsPolicy(Mode.TESTING, 86_400, (HOST,)))
DANE = Dane((TlsaRecord(3, 0, 0, RIGHT.der),), (HOST,))


@dataclass
class Far:
    sink: SmtpSink
    policy: TlsPolicy

    async def reach(self, departure: Departure = AS_THE_SYSTEM_SAYS) -> RelayConnection:
        trust = Store([CA.certificate])
        securing = Securing(self.policy, clock=lambda: NOON, trust=lambda: trust)
        hop = NextHop(HOST, self.sink.address, self.sink.port, departure=departure)
        return await open_connection(hop, own_name="mail.example.test", timeouts=PATIENT, tls=securing)

    async def send(self, connection: RelayConnection, *, requires_tls: bool = True) -> Outcome:
        text = b"Subject: x\r\n\r\nhello\r\n"
        message = Transaction(
            "alice@example.test",
            [Recipient("bob@far.test")],
            encode_data(text),
            len(text),
            requires_tls=requires_tls,
        )
        return (await send(connection, message))[0]


@asynccontextmanager
async def far(
    demand: Opportunistic | Dane | Sts,
    *,
    shows: Issued | None = RIGHT,
    trusts_name: bool = True,
    extensions: tuple[str, ...] = OFFERED,
) -> AsyncIterator[Far]:
    async with smtp_sink() as sink:
        sink.tls = shows.context() if shows else None
        sink.extensions = extensions
        yield Far(sink, TlsPolicy("far.test", demand, trusts_name))


@pytest.mark.parametrize(
    ("demand", "shows", "words"),
    [
        (DANE, RIGHT, "dane-ee verified"),
        (ENFORCE, RIGHT, "mta-sts verified"),
        (TESTING, RIGHT, "mta-sts verified"),
        (Opportunistic(), RIGHT, "pkix verified"),  # its MX records are signed
        (Dane((), (HOST,)), RIGHT, "pkix verified"),
    ],
    ids=["dane", "enforce", "testing", "signed MX", "no usable TLSA"],
)
def test_it_goes_to_who_is_verified_and_offers_it(
    demand: Opportunistic | Dane | Sts, shows: Issued, words: str
) -> None:
    async def scenario() -> None:
        async with far(demand, shows=shows) as there:
            connection = await there.reach()
            outcome = await there.send(connection)
            assert isinstance(outcome, Delivered)
            assert outcome.peer.certificate == words
            assert "MAIL FROM:<alice@example.test> SIZE=21 BODY=8BITMIME REQUIRETLS" in there.sink.commands
            await connection.quit()

    run(scenario())


@pytest.mark.parametrize(
    ("demand", "shows", "trusts_name", "says"),
    [
        (Opportunistic(), RIGHT, False, "Nobody vouches for mx.far.test being the right mail server"),
        (Opportunistic(), self_signed(HOST, now=NOON), True, "The certificate is self-signed."),
        (
            Opportunistic(),
            CA.issue("x.test"),
            True,
            "The certificate is for x.test, and not for mx.far.test.",
        ),
        (
            TESTING,
            CA.issue(HOST, ends=NOON - timedelta(hours=1)),
            True,
            "The certificate expired on 2026-03-01.",
        ),
        (Opportunistic(), None, True, "The connection to mx.far.test is not encrypted."),
    ],
    ids=["unsigned MX", "self-signed", "wrong name", "expired", "clear"],
)
def test_it_comes_back_where_the_server_is_not_verified(
    demand: Opportunistic | Sts, shows: Issued | None, trusts_name: bool, says: str
) -> None:
    async def scenario() -> None:
        async with far(demand, shows=shows, trusts_name=trusts_name) as there:
            connection = await there.reach()
            outcome = await there.send(connection)
            assert isinstance(outcome, Bounced)
            assert outcome.status == "5.7.10"
            assert outcome.reply.startswith("The message may only travel under verified TLS (REQUIRETLS). ")
            assert says in outcome.reply
            assert not any(each.startswith("MAIL") for each in there.sink.commands)
            # Others may go over the same connection (RFC 8689 section 4.2.1).
            assert isinstance(await there.send(connection, requires_tls=False), Delivered)
            await connection.quit()

    run(scenario())


def test_it_goes_to_a_smarthost_that_is_verified_as_its_route_asks() -> None:
    async def scenario() -> None:
        async with far(Opportunistic()) as there:  # the operator has named it: that is as good as signed
            departure = Departure(demand=Named("out"))
            connection = await there.reach(departure)
            outcome = await there.send(connection)
            assert isinstance(outcome, Delivered)
            assert outcome.peer.certificate == "route verified"
            await connection.quit()

    run(scenario())


def test_it_comes_back_where_the_server_does_not_offer_it() -> None:
    async def scenario() -> None:
        async with far(DANE, extensions=DEFAULT_EXTENSIONS) as there:
            connection = await there.reach()
            outcome = await there.send(connection)
            assert isinstance(outcome, Bounced)
            assert outcome.status == "5.7.30"
            assert outcome.reply == (
                "The message asks for TLS on all its way (REQUIRETLS), which mx.far.test does not offer."
            )
            assert not any(each.startswith("MAIL") for each in there.sink.commands)
            assert isinstance(await there.send(connection, requires_tls=False), Delivered)
            assert "MAIL FROM:<alice@example.test> SIZE=21 BODY=8BITMIME" in there.sink.commands
            await connection.quit()

    run(scenario())


def test_what_was_offered_in_clear_does_not_count() -> None:
    async def scenario() -> None:
        async with far(Opportunistic(), shows=None) as there:
            connection = await there.reach()
            assert "REQUIRETLS" in connection.extensions
            outcome = await there.send(connection)
            assert isinstance(outcome, Bounced)
            assert outcome.status == "5.7.10"
            connection.abort()

    run(scenario())
