"""From mail that leaves to the report about its day: real servers, real DNS, and a clock that the test moves."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest
from cryptography.x509.verification import Store
from django.db import connection
from pytest_django import Settings

from delivery.feedback.tls.sending import send_due
from delivery.models import Destination, KeptStsPolicy, QueuedRecipient, TlsFeedback
from delivery.relay.connection import Timeouts
from delivery.relay.tls.finding import TlsPolicies
from delivery.relay.tls.mta_sts import FetchFailed, StsPolicies
from delivery.relay.tls.shelf import PostgresShelf
from delivery.worker import Worker
from domains.lookup import is_hosted
from mailhost.net.store_threads import in_store
from mailhost.protocols.mta_sts import Mode, StsPolicy
from mailhost.protocols.tls_reports import TlsReport, read_tls_report
from tests.support.authorities import Authority, self_signed
from tests.support.dns_server import DnsServer, dns_server
from tests.support.queueing import queue, until_idle
from tests.support.running import run
from tests.support.smtp_sink import Received, SmtpSink, smtp_sink
from tests.support.tls_reporting import EVENING, NEXT_NOON, with_keys

HOST = "mx.far.test"
OWN = "journeys.test"
CA = Authority(EVENING)
ENFORCE = StsPolicy(Mode.ENFORCE, 86_400, (HOST,))
PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, final_dot=10, quit=0.2)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def queue_leads_out(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> Iterator[None]:
    """An empty queue; and no policy of far.test is left behind for others who send there."""
    settings.RELAY, settings.RELAY_TO_PRIVATE = "direct", True
    settings.TLS_REPORTS, settings.TLS_REPORTS_CONTACT = True, f"tls@{OWN}"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_queuedrecipient, delivery_queuedmessage, delivery_destination, "
            "delivery_tlsfeedback CASCADE"
        )
    if not is_hosted(domain=OWN):
        with_keys(OWN)
    KeptStsPolicy.objects.all().delete()
    yield
    KeptStsPolicy.objects.all().delete()


@dataclass
class World:
    """far.test, which has a policy and asks for reports, with its server; and this host's clock."""

    dns: DnsServer
    sink: SmtpSink
    policy: StsPolicy | None = ENFORCE
    now: datetime = EVENING

    async def fetch(self, domain: str) -> StsPolicy:
        if self.policy is None:
            raise FetchFailed("sts-policy-fetch-error", "The web server is away.")
        return self.policy

    async def work(self) -> None:
        """A new worker's rounds until nothing is due; what it counted is written when it ends."""
        resolver = self.dns.resolver()
        trust = Store([CA.certificate])
        worker = Worker(resolver=resolver, clock=lambda: self.now, random=Random(1), timeouts=PATIENT)
        sts = StsPolicies(resolver, self.fetch, PostgresShelf(worker.threads.run, worker.clock), worker.clock)
        worker.tls = TlsPolicies(resolver, sts, worker.clock, lambda: trust)
        await worker.round()
        await until_idle(worker)
        await worker.close()

    async def send(self) -> None:
        """A message to far.test, and what the worker makes of it."""
        await in_store(queue, "bob@far.test", now=self.now)
        await self.work()

    async def day_passes(self) -> int:
        """It is the next noon; how many reports were sent."""
        self.now = datetime.combine(self.now.date() + DAY, NEXT_NOON.timetz())
        sent = await in_store(send_due, now=self.now, resolver=self.dns.resolver())
        await self.work()
        return sent

    def reports(self) -> list[Received]:
        return [each for each in self.sink.received if each.reverse_path == f"tls@{OWN}"]


@asynccontextmanager
async def world(settings: Settings) -> AsyncIterator[World]:
    async with dns_server() as dns, smtp_sink() as sink:
        settings.RELAY_PORT = sink.port
        dns.say("far.test", "MX", f"10 {HOST}.")
        dns.say(HOST, "A", "127.0.0.1")
        dns.say("_mta-sts.far.test", "TXT", '"v=STSv1; id=a1;"')
        dns.say("_smtp._tls.far.test", "TXT", '"v=TLSRPTv1; rua=mailto:tls@far.test"')
        yield World(dns, sink)


def journey(settings: Settings, story: Callable[[World], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with world(settings) as there:
            await story(there)

    run(scenario())


def read(received: Received) -> TlsReport:
    data = received.data
    start = data.index(b"\r\n\r\n", data.index(b"application/tlsrpt+gzip")) + 4
    return read_tls_report(base64.b64decode(data[start : data.index(b"\r\n--", start)]))


def test_sessions_of_a_day_are_told_the_next_day(settings: Settings) -> None:
    async def story(w: World) -> None:
        w.sink.tls = CA.issue(HOST).context()
        await w.send()
        await w.send()
        w.sink.tls = self_signed(HOST, now=EVENING).context()
        await w.send()
        assert await w.day_passes() == 1
        [received] = w.reports()
        [policy] = read(received).policies
        assert (policy.policy_type, policy.policy_domain, policy.mx_hosts) == ("sts", "far.test", (HOST,))
        assert "mode: enforce" in policy.policy_string
        assert (policy.successful_sessions, policy.failed_sessions) == (2, 1)
        [failure] = policy.failures
        assert (failure.result_type, failure.receiving_mx_hostname, failure.receiving_ip) == (
            "certificate-not-trusted",
            HOST,
            "127.0.0.1",
        )
        assert failure.sending_mta_ip == "127.0.0.1"
        assert b"\r\nDKIM-Signature: " in b"\r\n" + received.data
        assert b"\r\nTLS-Report-Domain: far.test\r\n" in received.data

    journey(settings, story)


def test_a_report_arrives_where_mail_is_not_sent_for_want_of_tls(settings: Settings) -> None:
    """RFC 8460 section 3: whatever is wrong with TLS, what waits for it goes on waiting."""

    async def story(w: World) -> None:
        await w.send()  # no STARTTLS, under a policy that enforces it
        assert w.sink.received == []
        assert await w.day_passes() == 1
        [received] = w.reports()
        assert not received.is_tls
        assert [each.result_type for each in read(received).policies[0].failures] == [
            "starttls-not-supported"
        ]
        assert w.sink.received == [received]
        waiting = await in_store(lambda: QueuedRecipient.objects.get(forward_path="bob@far.test"))
        assert waiting.state in ("queued", "deferred")
        put_off = await in_store(lambda: Destination.objects.get(name="far.test"))
        assert put_off.last_status == "4.7.4"

    journey(settings, story)


def test_a_report_arrives_where_no_host_is_one_of_the_policy(settings: Settings) -> None:
    async def story(w: World) -> None:
        w.policy = StsPolicy(Mode.ENFORCE, 86_400, ("mx.other.test",))
        w.sink.tls = CA.issue(HOST).context()
        await w.send()
        assert await w.day_passes() == 1
        [received] = w.sink.received
        assert read(received).policies[0].failed_sessions == 1

    journey(settings, story)


def test_sessions_that_carry_reports_alone_are_not_told(settings: Settings) -> None:
    """RFC 8460 section 3: or two hosts would tell each other every day of nothing else."""

    async def story(w: World) -> None:
        w.sink.tls = CA.issue(HOST).context()
        await w.send()
        assert [await w.day_passes() for _ in range(3)] == [1, 0, 0]
        assert len(w.reports()) == 1
        assert await in_store(TlsFeedback.objects.count) == 1

    journey(settings, story)


def test_a_dead_host_is_not_tried_twice_for_a_report(settings: Settings) -> None:
    async def story(w: World) -> None:
        await w.send()
        w.dns.say(HOST, "A", "127.0.0.77")  # nobody listens there
        assert await w.day_passes() == 1
        tries = await in_store(lambda: list(Destination.objects.values_list("last_status", "failures")))
        assert tries == [("4.4.1", 2)]

    journey(settings, story)


def test_domains_that_do_not_ask_are_not_counted_and_nothing_is_where_it_is_off(settings: Settings) -> None:
    async def story(w: World) -> None:
        w.sink.tls = CA.issue(HOST).context()
        settings.TLS_REPORTS = False
        await w.send()
        settings.TLS_REPORTS = True
        w.dns.say("_smtp._tls.far.test", "TXT", '"v=spf1 -all"')
        await w.send()
        assert len(w.sink.received) == 2
        assert await in_store(TlsFeedback.objects.count) == 0

    journey(settings, story)


def test_a_smarthosts_sessions_are_its_own_domains_business(settings: Settings) -> None:
    async def story(w: World) -> None:
        w.sink.tls = CA.issue(HOST).context()
        settings.RELAY = f"smarthost:127.0.0.1:{w.sink.port}"
        await w.send()
        assert len(w.sink.received) == 1
        assert await in_store(TlsFeedback.objects.count) == 0
        w.dns.say(f"_smtp._tls.{HOST}", "TXT", '"v=TLSRPTv1; rua=mailto:tls@far.test"')
        settings.RELAY = f"smarthost:{HOST}:{w.sink.port}"
        await w.send()
        assert len(w.sink.received) == 2
        assert await in_store(lambda: TlsFeedback.objects.get().domain) == HOST

    journey(settings, story)
