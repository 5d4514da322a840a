"""The worker from claim to outcome: Postgres, a DNS server and receiving servers, all real, on 127.0.0.x."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest
from django.db import connection
from pytest_django import Settings

from delivery import bounces
from delivery.models import Attempt, Destination, QueuedRecipient
from delivery.relay.connection import Timeouts
from delivery.worker import Worker
from mailboxes.models import Content, Message
from mailhost.net.store_threads import in_store
from tests.support.dns_server import DnsServer, dns_server
from tests.support.hosting import new_account
from tests.support.queueing import NOON, queue, state, until_idle
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, DEFAULT_EXTENSIONS, END, GREETING, SmtpSink, smtp_sink

PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, final_dot=10, quit=0.2)


@pytest.fixture(autouse=True)
def queue_leads_out(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    """An empty queue; mail goes to test servers, and nobody but the test asks for rounds."""
    settings.RELAY = "direct"
    settings.RELAY_TO_PRIVATE = True
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


@dataclass
class Bench:
    """A clock that the test moves, DNS, and workers."""

    settings: Settings
    dns: DnsServer
    now: datetime = NOON

    def worker(self, *, timeouts: Timeouts = PATIENT, look_up_seconds: float = 10.0) -> Worker:
        return Worker(
            resolver=self.dns.resolver(look_up_seconds=look_up_seconds),
            clock=lambda: self.now,
            random=Random(1),
            timeouts=timeouts,
        )

    @asynccontextmanager
    async def server(self, *hosts: str, address: str = "127.0.0.1") -> AsyncIterator[SmtpSink]:
        """A receiving server that is the MX of these domains."""
        async with smtp_sink(address=address, port=self.settings.RELAY_PORT) as sink:
            self.settings.RELAY_PORT = sink.port
            for host in hosts:
                self.dns.say(host, "MX", f"10 mx.{host}.")
                self.dns.say(f"mx.{host}", "A", address)
            yield sink

    async def work(self, *, minutes: float = 0, look_up_seconds: float = 10.0) -> None:
        """A new worker's rounds until nothing is due."""
        self.now += timedelta(minutes=minutes)
        worker = self.worker(look_up_seconds=look_up_seconds)
        await worker.round()
        await until_idle(worker)
        await worker.close()


@asynccontextmanager
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    settings.RELAY_PORT = 0
    async with dns_server() as dns:
        yield Bench(settings, dns)


def attempts() -> list[tuple[str, str, str]]:
    rows = Attempt.objects.order_by("id").select_related("recipient")
    return [(each.recipient.forward_path, each.outcome, each.host) for each in rows]


def test_mail_goes_to_the_mx_host_over_reused_connections(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test", "near.test") as sink:
            for number in range(12):
                await in_store(queue, f"r{number}@far.test")
            await in_store(queue, "bob@far.test", "carol@far.test", "dave@near.test")
            await b.work()
            received = await sink.wait_for(14)
            assert len(received) == 14  # bob and carol share one
            assert sink.connections <= 5
            assert (
                received[0].data
                == b"From: Alice <alice@example.test>\r\nSubject: Hello\r\n\r\nHow are you?\r\n"
            )
            assert await in_store(state, "dave@near.test") == "delivered"
            assert await in_store(QueuedRecipient.objects.filter(state="delivered").count) == 15
            assert await in_store(Destination.objects.exclude(next_attempt_at=None).count) == 0

    run(scenario())


def test_a_transient_refusal_is_tried_again_on_the_schedule(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("RCPT bob@", "451 4.7.1 greylisted", "250 ok")
            await in_store(queue, "bob@far.test")
            await b.work()
            assert await in_store(state, "bob@far.test") == "deferred"
            await b.work(minutes=1)
            assert sink.received == []
            await b.work(minutes=2)
            assert len(sink.received) == 1
            assert [each[1] for each in await in_store(attempts)] == ["deferred", "delivered"]

    run(scenario())


def test_the_next_host_is_tried_when_the_first_takes_no_mail(settings: Settings) -> None:
    async def scenario() -> None:
        async with (
            bench(settings) as b,
            b.server(address="127.0.0.2") as first,
            b.server(address="127.0.0.3") as second,
        ):
            b.dns.say("far.test", "MX", "5 dead.far.test.", "10 one.far.test.", "20 two.far.test.")
            b.dns.say("dead.far.test", "A", "127.0.0.4")
            b.dns.say("one.far.test", "A", "127.0.0.2")
            b.dns.say("two.far.test", "A", "127.0.0.3")
            first.say(GREETING, "554 not now")
            await in_store(queue, "bob@far.test")
            await b.work()
            assert len(second.received) == 1
            assert await in_store(attempts) == [("bob@far.test", "delivered", "two.far.test")]

    run(scenario())


def test_a_permanent_refusal_ends_in_a_notice_in_the_senders_inbox(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            alice = await in_store(new_account, "alice")
            sink.say("RCPT gone@", "550 5.1.1 No such user")
            await in_store(queue, "gone@far.test", "bob@far.test", "x@nowhere.test", reverse_path=alice.login)
            await b.work()
            assert len(sink.received) == 1
            notices = await in_store(inbox_of, alice.pk)
            told = b"".join(notices)
            assert b"550 5.1.1 No such user" in told
            assert b"There is no domain nowhere.test." in told
            assert b"bob@far.test" not in told.replace(b"To: bob@far.test", b"")

    run(scenario())


def inbox_of(account_id: int) -> list[bytes]:
    rows = Message.objects.filter(mailbox__account_id=account_id, mailbox__name="INBOX")
    return [bytes(Content.objects.get(pk=each.content_id).octets) for each in rows]


def test_expiry_is_told_too(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b:
            settings.RELAY_PORT = 9  # nobody listens
            b.dns.say("dead.test", "A", "127.0.0.1")
            alice = await in_store(new_account, "alice")
            await in_store(queue, "bob@dead.test", reverse_path=alice.login)
            await b.work()
            assert await in_store(state, "bob@dead.test") == "deferred"
            await b.work(minutes=5 * 24 * 60)
            assert await in_store(state, "bob@dead.test") == "expired"
            [notice] = await in_store(inbox_of, alice.pk)
            assert b"Status: 4.4.7" in notice

    run(scenario())


def test_dns_trouble_only_delays(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            b.dns.broken.add("far.test")
            await in_store(queue, "bob@far.test")
            await b.work()
            b.dns.broken.clear()
            assert await in_store(state, "bob@far.test") == "deferred"
            await b.work(minutes=3)
            assert len(sink.received) == 1

    run(scenario())


def test_a_server_that_takes_one_connection_gets_everything_over_it(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say(GREETING, "220 hello", "421 4.7.0 one connection is enough")
            for number in range(30):
                await in_store(queue, f"r{number}@far.test")
            await b.work()
            assert len(sink.received) == 30
            assert len({each.connection for each in sink.received}) == 1

    run(scenario())


def test_a_server_that_hangs_up_between_messages_loses_none(settings: Settings) -> None:
    async def scenario() -> None:
        settings.RELAY_CONNECTIONS_PER_DESTINATION = 1
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("MAIL", "250 ok", CLOSE, "250 ok", "421 enough", "250 ok")
            for number in range(5):
                await in_store(queue, f"r{number}@far.test")
            await b.work()
            assert sorted(each.forward_paths[0] for each in sink.received) == [
                f"r{n}@far.test" for n in range(5)
            ]

    run(scenario())


def test_a_message_that_a_server_chokes_on_does_not_hold_up_the_others(settings: Settings) -> None:
    async def scenario() -> None:
        settings.RELAY_CONNECTIONS_PER_DESTINATION = 1
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say(END, CLOSE, "250 ok")
            for number in range(3):
                await in_store(queue, f"r{number}@far.test")
            await b.work()
            assert len(sink.received) == 2
            assert await in_store(state, "r0@far.test") == "deferred"

    run(scenario())


def test_a_server_that_puts_everything_off_is_left_alone_after_some(settings: Settings) -> None:
    async def scenario() -> None:
        settings.RELAY_CONNECTIONS_PER_DESTINATION = 1
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("MAIL", "451 4.7.1 too much mail from you")
            for number in range(50):
                await in_store(queue, f"r{number}@far.test")
            await b.work()
            assert sum(command.startswith("MAIL") for command in sink.commands) == 20
            destination = await in_store(Destination.objects.get)
            assert destination.failures == 1
            assert destination.next_attempt_at is not None
            assert destination.next_attempt_at > b.now

    run(scenario())


def test_recipients_beyond_what_a_server_takes_follow_at_once(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = tuple(each for each in DEFAULT_EXTENSIONS if each != "PIPELINING")
            sink.say("RCPT c@", "452 4.5.3 too many recipients", "250 ok")
            await in_store(queue, "a@far.test", "b@far.test", "c@far.test")
            await b.work()
            assert [each.forward_paths for each in sink.received] == [
                ["a@far.test", "b@far.test"],
                ["c@far.test"],
            ]
            assert await in_store(state, "c@far.test") == "delivered"

    run(scenario())


def test_dead_destinations_do_not_keep_living_ones_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.worker.MAX_LOOKS", 2)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            for number in range(4):
                b.dns.silent.add(f"dead{number}.test")
                await in_store(queue, f"x@dead{number}.test")
            await b.work(look_up_seconds=0.3)
            b.now += timedelta(minutes=3)
            worker = b.worker(look_up_seconds=30)
            await worker.round()  # two dead ones are looked at for half a minute
            await in_store(queue, "bob@far.test", now=b.now)
            await worker.round()
            await sink.wait_for(1)
            await worker.close()

    run(scenario())


def test_capture_mode_connects_to_nobody(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(queue, "bob@far.test")
            settings.RELAY = "capture"
            await in_store(queue, "carol@far.test")
            await b.work()
            assert sink.connections == 0
            assert (
                await in_store(state, "bob@far.test") == await in_store(state, "carol@far.test") == "captured"
            )

    run(scenario())


def test_everything_goes_through_a_smarthost(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server() as sink:
            settings.RELAY = f"smarthost:127.0.0.1:{sink.port}"
            settings.RELAY_TO_PRIVATE = False
            await in_store(queue, "bob@far.test", "carol@near.test")
            await b.work()
            assert len(sink.received) == 2

    run(scenario())


def test_a_notice_name_is_never_the_same() -> None:
    assert len({bounces.new_name() for _ in range(100)}) == 100
