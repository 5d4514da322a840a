"""From a message at port 25 to the report about its day: real sockets, real DNS, and a clock that the test moves."""

import asyncio
import base64
import smtplib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from pytest_django import Settings

from delivery.feedback.sending import send_due
from delivery.models import DmarcFeedback, DmarcReport, QueuedRecipient
from delivery.reports.reading import read_reports
from delivery.smtp.observing import ObservationWriter
from delivery.worker import Worker
from mailboxes.models import Account, Message
from mailhost.protocols.dmarc.aggregate_reading import read_aggregate_report
from tests.conversations.smtp.listening import Doors, open_doors
from tests.support.dns_server import DnsServer, dns_server
from tests.support.hosting import new_account
from tests.support.queueing import until_idle
from tests.support.servers import running
from tests.support.smtp_sink import SmtpSink, smtp_sink

EVENING = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
NEXT_NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """This host, with what it counts; DNS; and another host that takes mail."""

    doors: Doors
    dns: DnsServer
    sink: SmtpSink
    writer: ObservationWriter
    loop: asyncio.AbstractEventLoop

    def bring(self, *, sender: str, to: str, expects: int = 250) -> None:
        """As another server does. smtplib says what it came to."""
        message = f"From: {sender}\r\nTo: {to}\r\nDate: Wed, 25 Nov 2026 20:00:00 +0000\r\n\r\nHello.\r\n"
        with smtplib.SMTP("127.0.0.1", self.doors.ports.smtp, timeout=30) as client:
            client.ehlo("client.test")
            client.mail(sender)
            client.rcpt(to)
            assert client.data(message)[0] == expects

    def day_passes(self) -> int:
        """What was counted is written, and what is due by the next noon is sent; how many reports."""
        asyncio.run_coroutine_threadsafe(self.writer.close(), self.loop).result(30)
        return send_due(now=NEXT_NOON, resolver=self.dns.resolver())

    def relay(self) -> None:
        """The queue is worked on until nothing is due."""

        async def work() -> None:
            worker = Worker(
                resolver=self.dns.resolver(), clock=lambda: NEXT_NOON + timedelta(minutes=1), random=Random(1)
            )
            await worker.round()
            await until_idle(worker)
            await worker.close()

        asyncio.run(work())


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    async with dns_server() as dns, smtp_sink() as sink, open_doors(folder, resolver=dns.resolver()) as doors:
        writer = ObservationWriter()
        doors.host.observe, doors.host.clock = writer.note, lambda: EVENING
        yield World(doors, dns, sink, writer, asyncio.get_running_loop())


@pytest.fixture
def world(
    shared_db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    DmarcFeedback.objects.all().delete()
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with running(opened(tmp_path)) as there:
        settings.DMARC_REPORTS, settings.HOSTNAME = True, "mx.near.test"
        settings.RELAY, settings.RELAY_TO_PRIVATE, settings.RELAY_PORT = "direct", True, there.sink.port
        yield there


@pytest.fixture
def alice(world: World) -> Account:
    return new_account("alice")


def test_who_hosts_the_domain_itself_finds_the_report_in_a_mailbox_and_in_the_picture(
    world: World, alice: Account
) -> None:
    domain = alice.login.partition("@")[2]
    world.dns.say(domain, "TXT", '"v=spf1 ip4:127.0.0.1 -all"')
    world.dns.say(f"_dmarc.{domain}", "TXT", f'"v=DMARC1; p=reject; rua=mailto:{alice.login}"')
    for _ in range(3):
        world.bring(sender=f"news@{domain}", to=alice.login)
    assert world.day_passes() == 1

    mail = Message.objects.filter(mailbox__account=alice, mailbox__name="INBOX")
    [octets] = [
        bytes(each)
        for each in mail.values_list("content__octets", flat=True)
        if b"Report Domain:" in bytes(each)
    ]
    assert octets.startswith(b"Return-Path: <postmaster@mx.near.test>\r\n")
    read_reports(now=NEXT_NOON)
    [report] = DmarcReport.objects.filter(domain=domain)
    assert (report.organization, report.policy, report.begins_at.date()) == (
        "mx.near.test",
        "reject",
        EVENING.date(),
    )
    assert list(report.rows.values_list("source_ip", "count", "disposition", "is_spf_aligned")) == [
        ("127.0.0.1", 3, "pass", True)
    ]
    assert world.day_passes() == 0


def test_another_host_is_told_of_what_was_taken_and_what_was_refused(world: World, alice: Account) -> None:
    world.dns.say("far.test", "TXT", '"v=spf1 -all"')
    world.dns.say("_dmarc.far.test", "TXT", '"v=DMARC1; p=reject; rua=mailto:dmarc@far.test"')
    world.dns.say("out.far.test", "TXT", '"v=spf1 ip4:127.0.0.1 -all"')
    world.dns.say("far.test", "MX", "10 mx.far.test.")
    world.dns.say("mx.far.test", "A", "127.0.0.1")
    world.bring(sender="forger@far.test", to=alice.login, expects=550)
    world.bring(sender="ann@out.far.test", to=alice.login)
    world.bring(sender="ann@out.far.test", to=alice.login)
    assert world.day_passes() == 1
    world.relay()

    [received] = world.sink.received
    assert (received.reverse_path, received.forward_paths) == ("postmaster@mx.near.test", ["dmarc@far.test"])
    start = received.data.index(b"\r\n\r\n", received.data.index(b"application/gzip")) + 4
    report = read_aggregate_report(base64.b64decode(received.data[start:].partition(b"\r\n--")[0]))
    assert [(row.header_from, row.count, row.disposition, row.spf) for row in report.rows] == [
        ("out.far.test", 2, "pass", "pass"),
        ("far.test", 1, "reject", "fail"),
    ]
    assert alice.login.encode() not in received.data
    assert QueuedRecipient.objects.get(message__reverse_path="postmaster@mx.near.test").state == "delivered"


def test_a_forger_cannot_have_reports_sent_to_a_victim(world: World, alice: Account) -> None:
    world.dns.say("_dmarc.evil.test", "TXT", '"v=DMARC1; p=none; rua=mailto:victim@bank.test"')
    world.dns.say("bank.test", "MX", "10 mx.bank.test.")
    world.dns.say("mx.bank.test", "A", "127.0.0.1")
    world.bring(sender="x@evil.test", to=alice.login)
    assert world.day_passes() == 0
    world.relay()
    assert world.sink.received == []
