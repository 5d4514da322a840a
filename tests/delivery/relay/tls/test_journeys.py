"""Mail from the queue to servers with policies: what goes, what waits, and what is written down of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from cryptography.x509.verification import Store
from django.db import connection
from pytest_django import Settings

from delivery.models import Attempt, KeptStsPolicy, QueuedMessage, QueuedRecipient
from delivery.relay.connection import Timeouts
from delivery.relay.tls.finding import TlsPolicies
from delivery.relay.tls.mta_sts import FetchFailed, StsPolicies
from delivery.relay.tls.sessions import TlsSession
from delivery.relay.tls.shelf import PostgresShelf
from delivery.worker import Worker
from mailhost.net.store_threads import in_store
from mailhost.protocols.mta_sts import Mode, StsPolicy
from tests.support.authorities import Authority, Issued, self_signed
from tests.support.dns_server import DnsServer, dns_server
from tests.support.queueing import MESSAGE, NOON, queue, state, until_idle
from tests.support.running import run
from tests.support.smtp_sink import SmtpSink, smtp_sink

HOST = "mx.far.test"
CA = Authority(NOON)
RIGHT = CA.issue(HOST)
PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, final_dot=10, quit=0.2)
ENFORCE = StsPolicy(Mode.ENFORCE, 86_400, (HOST,))


@pytest.fixture(autouse=True)
def queue_leads_out(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> Iterator[None]:
    """An empty queue; and no policy of far.test is left behind for others who send there."""
    settings.RELAY = "direct"
    settings.RELAY_TO_PRIVATE = True
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )
    KeptStsPolicy.objects.all().delete()
    yield
    KeptStsPolicy.objects.all().delete()


@dataclass
class World:
    """far.test with its server, DNS and policy."""

    dns: DnsServer
    sink: SmtpSink
    served: StsPolicy | None = None
    fetched: int = 0
    told: list[TlsSession] = field(default_factory=list)

    def sign(self, tlsa: str) -> None:
        name = f"_{self.sink.port}._tcp.{HOST}"
        self.dns.say(name, "TLSA", tlsa)
        self.dns.signed |= {"far.test", HOST, name}

    def say_sts(self, policy: StsPolicy | None, record: str = "a1") -> None:
        self.dns.say("_mta-sts.far.test", "TXT", f'"v=STSv1; id={record};"')
        self.served = policy

    async def fetch(self, domain: str) -> StsPolicy:
        self.fetched += 1
        if self.served is None:
            raise FetchFailed("sts-policy-fetch-error", "The web server is away.")
        return self.served

    async def work(self) -> None:
        """A new worker's rounds until nothing is due."""
        resolver = self.dns.resolver()
        trust = Store([CA.certificate])
        worker = Worker(
            resolver=resolver,
            clock=lambda: NOON,
            random=Random(1),
            timeouts=PATIENT,
            note_session=self.told.append,
        )
        sts = StsPolicies(resolver, self.fetch, PostgresShelf(worker.threads.run, worker.clock), worker.clock)
        worker.tls = TlsPolicies(resolver, sts, worker.clock, lambda: trust)
        await worker.round()
        await until_idle(worker)
        await worker.close()


@asynccontextmanager
async def world(settings: Settings) -> AsyncIterator[World]:
    async with dns_server() as dns, smtp_sink() as sink:
        settings.RELAY_PORT = sink.port
        dns.say("far.test", "MX", f"10 {HOST}.")
        dns.say(HOST, "A", "127.0.0.1")
        yield World(dns, sink)


@asynccontextmanager
async def two_hosts(settings: Settings) -> AsyncIterator[tuple[World, SmtpSink]]:
    """And a second one, mx2.far.test, which is asked after the first."""
    async with world(settings) as w, smtp_sink(address="127.0.0.2", port=settings.RELAY_PORT) as second:
        w.dns.say("far.test", "MX", f"10 {HOST}.", "20 mx2.far.test.")
        w.dns.say("mx2.far.test", "A", "127.0.0.2")
        yield w, second


def last_attempt() -> dict[str, Any]:
    return dict(Attempt.objects.order_by("-id").values("outcome", "tls", "certificate", "reply", "host")[0])


def require_tls(forward_path: str) -> None:
    QueuedMessage.objects.filter(recipients__forward_path=forward_path).update(requires_tls=True)


def status() -> str:
    return QueuedRecipient.objects.get(forward_path__endswith="@far.test").last_status


def reply() -> str:
    return QueuedRecipient.objects.get(forward_path__endswith="@far.test").last_reply


def test_protocol_cipher_and_verdict_are_kept_with_each_attempt(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.sink.tls = RIGHT.context()
            await in_store(queue, "bob@far.test")
            await w.work()
            row = await in_store(last_attempt)
            assert (row["outcome"], row["certificate"]) == ("delivered", "not checked")
            assert row["tls"].startswith("TLSv1.3 TLS_")
            w.sign(f"3 0 0 {RIGHT.der.hex()}")
            await in_store(queue, "bob@far.test")
            await w.work()
            assert (await in_store(last_attempt))["certificate"] == "dane-ee verified"
            w.dns.signed.clear()
            w.say_sts(ENFORCE)
            await in_store(queue, "bob@far.test")
            await w.work()
            assert (await in_store(last_attempt))["certificate"] == "mta-sts verified"
            w.sink.tls = None
            w.say_sts(StsPolicy(Mode.NONE, 60, ()), "a2")
            await in_store(queue, "bob@far.test")
            await w.work()
            row = await in_store(last_attempt)
            assert (row["outcome"], row["tls"], row["certificate"]) == ("delivered", "", "")
            assert [(each.policy_type, each.result) for each in w.told] == [
                ("no-policy-found", ""),
                ("tlsa", ""),
                ("sts", ""),
                ("no-policy-found", "starttls-not-supported"),
            ]

    run(scenario())


def test_mail_waits_where_starttls_was_taken_away_under_dane(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.sign(f"3 0 0 {RIGHT.der.hex()}")
            await in_store(queue, "bob@far.test")
            await w.work()
            assert await in_store(state, "bob@far.test") == "deferred"
            assert await in_store(reply) == (
                "mx.far.test offers no encryption (STARTTLS), which the DNS of far.test (DANE) asks for."
            )
            assert not any(each.startswith("MAIL") for each in w.sink.commands)
            assert [each.result for each in w.told] == ["starttls-not-supported"]

    run(scenario())


def test_mail_waits_for_a_certificate_that_an_enforced_policy_takes(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.say_sts(ENFORCE)
            w.sink.tls = self_signed(HOST, now=NOON).context()
            await in_store(queue, "bob@far.test")
            await w.work()
            assert await in_store(state, "bob@far.test") == "deferred"
            row = await in_store(last_attempt)
            assert row["certificate"] == "failed: The certificate is self-signed"
            assert row["tls"].startswith("TLSv1.3")
            assert row["reply"] == (
                "mx.far.test could not be verified as the MTA-STS policy of far.test asks. "
                "The certificate is self-signed."
            )
            assert w.sink.received == []

    run(scenario())


def test_a_policy_that_was_kept_holds_when_its_web_server_and_record_are_gone(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.say_sts(ENFORCE)
            w.sink.tls = RIGHT.context()
            await in_store(queue, "bob@far.test")
            await w.work()
            assert len(w.sink.received) == 1
            assert await in_store(KeptStsPolicy.objects.count) == 1
            w.served = None
            w.dns.records.pop("_mta-sts.far.test")
            w.sink.tls = self_signed(HOST, now=NOON).context()
            await in_store(queue, "carol@far.test")
            await w.work()
            assert await in_store(state, "carol@far.test") == "deferred"
            assert (len(w.sink.received), w.fetched) == (1, 1)

    run(scenario())


def test_mail_goes_where_the_policy_cannot_be_fetched_and_none_was_kept(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.say_sts(None)
            await in_store(queue, "bob@far.test")
            await w.work()
            assert len(w.sink.received) == 1
            assert [(each.policy_type, each.result) for each in w.told] == [
                ("sts", "sts-policy-fetch-error"),
                ("no-policy-found", "starttls-not-supported"),
            ]

    run(scenario())


def test_a_host_that_is_as_asked_is_found_behind_one_that_is_not(settings: Settings) -> None:
    async def scenario() -> None:
        async with two_hosts(settings) as (w, second):
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("*.far.test",)))
            w.sink.tls = self_signed(HOST, now=NOON).context()
            second.tls = CA.issue("mx2.far.test").context()
            await in_store(queue, "bob@far.test")
            await w.work()
            assert len(second.received) == 1
            assert (await in_store(last_attempt))["host"] == "mx2.far.test"

    run(scenario())


def test_one_set_of_questions_serves_all_messages_of_a_look(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.sign(f"3 0 0 {RIGHT.der.hex()}")
            w.sink.tls = RIGHT.context()
            for number in range(30):
                await in_store(queue, f"r{number}@far.test")
            await w.work()
            assert len(w.sink.received) == 30
            assert len(w.dns.asked) == len(set(w.dns.asked)) <= 5, w.dns.asked

    run(scenario())


def test_what_asks_for_tls_all_the_way_goes_to_a_host_that_offers_it(settings: Settings) -> None:
    """RFC 8689 section 4.2.1: the other MX hosts are tried too, and what does not ask goes to the first."""

    async def scenario() -> None:
        async with two_hosts(settings) as (w, second):
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("*.far.test",)))
            w.sink.tls = RIGHT.context()
            second.tls = CA.issue("mx2.far.test").context()
            second.extensions = (*second.extensions, "REQUIRETLS")
            await in_store(queue, "bob@far.test")
            await in_store(queue, "carol@far.test", "dave@far.test")
            await in_store(require_tls, "carol@far.test")
            await w.work()
            assert [each.forward_paths for each in w.sink.received] == [["bob@far.test"]]
            assert [each.forward_paths for each in second.received] == [["carol@far.test", "dave@far.test"]]
            assert second.received[0].is_tls
            assert second.received[0].commands[-4].endswith(" REQUIRETLS")

    run(scenario())


def test_what_asks_for_tls_all_the_way_comes_back_where_no_host_offers_it(settings: Settings) -> None:
    async def scenario() -> None:
        async with two_hosts(settings) as (w, second):
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("*.far.test",)))
            w.sink.tls = RIGHT.context()
            second.tls = CA.issue("mx2.far.test").context()
            await in_store(queue, "carol@far.test")
            await in_store(require_tls, "carol@far.test")
            await w.work()
            assert await in_store(state, "carol@far.test") == "bounced"
            assert await in_store(status) == "5.7.30"
            assert w.sink.received == second.received == []

    run(scenario())


@pytest.mark.parametrize("extensions", [(), ("REQUIRETLS",)])
def test_a_notice_that_asks_for_tls_goes_without_rather_than_be_lost(
    settings: Settings, extensions: tuple[str, ...]
) -> None:
    """RFC 8689 section 5."""

    async def scenario() -> None:
        async with world(settings) as w:
            w.say_sts(ENFORCE)
            w.sink.tls = RIGHT.context()
            w.sink.extensions = (*w.sink.extensions, *extensions)
            await in_store(queue, "carol@far.test", reverse_path="")
            await in_store(require_tls, "carol@far.test")
            await w.work()
            assert await in_store(state, "carol@far.test") == "delivered"
            [mail] = [each for each in w.sink.commands if each.startswith("MAIL FROM:<>")]
            assert mail.endswith(" REQUIRETLS") is bool(extensions)

    run(scenario())


NO_TLS_NEEDED = b"TLS-Required: No\r\n" + MESSAGE


@pytest.mark.parametrize("shows", [RIGHT, self_signed(HOST, now=NOON), None], ids=["right", "wrong", "clear"])
def test_what_says_that_tls_is_not_required_goes_as_the_policy_asks_where_that_works(
    settings: Settings, shows: Issued | None
) -> None:
    """RFC 8689 section 4.2.2."""

    async def scenario() -> None:
        async with world(settings) as w:
            w.sign(f"3 0 0 {RIGHT.der.hex()}")
            w.sink.tls = shows.context() if shows else None
            await in_store(queue, "bob@far.test")
            await in_store(queue, "carol@far.test", octets=NO_TLS_NEEDED)
            await w.work()
            assert [each.forward_paths for each in w.sink.received] == [
                *([["bob@far.test"]] if shows is RIGHT else []),
                ["carol@far.test"],
            ]
            assert w.sink.received[-1].is_tls is bool(shows)
            certificate = (await in_store(last_attempt))["certificate"]
            assert certificate == ("dane-ee verified" if shows is RIGHT else certificate)
            assert certificate.startswith("failed: ") is (shows is not RIGHT and shows is not None)
            assert len(w.told) == 1  # of the session that went by the policy

    run(scenario())


def test_what_says_that_tls_is_not_required_goes_to_the_policys_hosts_first(settings: Settings) -> None:
    async def scenario() -> None:
        async with two_hosts(settings) as (w, second):
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("mx2.far.test",)))
            second.tls = CA.issue("mx2.far.test").context()
            await in_store(queue, "carol@far.test", octets=NO_TLS_NEEDED)
            await w.work()
            assert [each.forward_paths for each in second.received] == [["carol@far.test"]]
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("mx3.far.test",)), "a2")
            await in_store(queue, "dave@far.test", octets=NO_TLS_NEEDED)
            await w.work()
            assert [each.forward_paths for each in w.sink.received] == [["dave@far.test"]]

    run(scenario())


def test_what_says_that_tls_is_not_required_waits_behind_no_long_queue(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.supply.MESSAGES_PER_LOOK", 2)

    async def scenario() -> None:
        async with world(settings) as w:
            await in_store(queue, "carol@far.test", octets=NO_TLS_NEEDED)
            for number in range(6):
                await in_store(queue, f"r{number}@far.test")
            await w.work()
            assert len(w.sink.received) == 7
            assert [each.forward_paths for each in w.sink.received].index(["carol@far.test"]) == 2

    run(scenario())


def test_what_asks_for_tls_all_the_way_waits_for_a_host_that_is_away(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.dns.say("far.test", "MX", f"10 {HOST}.", "20 mx2.far.test.")
            w.dns.say("mx2.far.test", "A", "127.0.0.3")  # nobody is there
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("*.far.test",)))
            w.sink.tls = RIGHT.context()
            await in_store(queue, "carol@far.test")
            await in_store(require_tls, "carol@far.test")
            await w.work()
            assert await in_store(state, "carol@far.test") == "deferred"
            assert await in_store(status) == "4.7.30"
            assert (await in_store(reply)).endswith(
                "mx2.far.test, which may be better, could not be reached."
            )
            assert w.sink.received == []

    run(scenario())
