"""DELIVERBY (RFC 2852) in the queue: passed on, returned and told of, with real servers on 127.0.0.x."""

import asyncio
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from delivery import bounces
from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, Destination, QueuedRecipient
from delivery.queue.deliver_by import settle_overdue
from mailboxes.models import Content
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.delivery.test_worker import bench
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON, claim_all
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS


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


def submit(
    mode: str, *, seconds: int = 600, reverse_path: str = "alice@elsewhere.test", notify: str = ""
) -> None:
    address = EmailAddress.parse("bob@far.test")
    accept_now(
        Acceptance(
            octets=MESSAGE,
            relay=(address,),
            dsn_requests={address.key: DsnRequest(notify)},
            reverse_path=reverse_path,
            deliver_by=NOON + timedelta(seconds=seconds),
            deliver_by_mode=mode,
        ),
        now=NOON,
    )


def bob() -> QueuedRecipient:
    return QueuedRecipient.objects.select_related("message").get(forward_path="bob@far.test")


@pytest.mark.parametrize(
    ("mode", "offered", "report"),
    [
        ("R", ("DELIVERBY",), ""),
        ("N", ("DELIVERBY 30",), ""),
        ("RT", ("DELIVERBY",), "relayed"),
        ("N", (), "relayed"),
    ],
)
def test_the_next_server_is_told_what_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: str, offered: tuple[str, ...], report: str
) -> None:
    """And the sender is told where the time is not kept any further, or where tracing is asked for."""
    monkeypatch.setattr(bounces, "send_reports", lambda **_: 0)  # the mark stays, to be looked at

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = (*DEFAULT_EXTENSIONS, *offered)
            await in_store(submit, mode, seconds=600)
            b.now += timedelta(seconds=90.5)
            await b.work()
            [received] = await sink.wait_for(1)
            assert (f"BY=509;{mode}" in " ".join(received.commands)) == bool(offered)
            recipient = await in_store(bob)
            assert (recipient.state, recipient.report_due) == ("delivered", report)

    run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize(
    ("asked", "seconds", "passed"),
    [
        ("", 600, "FAILURE,DELAY"),
        ("SUCCESS", 600, "SUCCESS,DELAY"),
        ("DELAY", 600, "DELAY"),
        ("NEVER", 600, "NEVER"),
        ("FAILURE", 60, "FAILURE"),  # its time is over
    ],
)
def test_mode_n_asks_a_server_without_it_to_tell_of_delays(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, asked: str, seconds: int, passed: str
) -> None:
    """RFC 2852 section 4.1.4.2, in spite of RFC 3461 section 5.2.1 (c); told of as relayed in time alone."""
    monkeypatch.setattr(bounces, "send_reports", lambda **_: 0)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = (*DEFAULT_EXTENSIONS, "DSN")
            await in_store(submit, "N", seconds=seconds, notify=asked)
            b.now += timedelta(seconds=90)
            await b.work()
            [received] = await sink.wait_for(1)
            assert f"RCPT TO:<bob@far.test> NOTIFY={passed}" in received.commands
            is_told = asked != "NEVER" and seconds > 90
            assert (await in_store(bob)).report_due == ("relayed" if is_told else "")

    run(asyncio.wait_for(scenario(), 30))


def test_mode_r_goes_to_no_server_that_does_not_know_it(settings: Settings) -> None:
    """RFC 2852 section 4.1.4.1: it is undeliverable for good."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(submit, "R", seconds=600)
            await b.work()
            recipient = await in_store(bob)
            assert (recipient.state, recipient.last_status) == ("bounced", "5.3.3")
            assert not any(command.startswith("MAIL") for command in sink.commands)

    run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize("offered", ["DELIVERBY 700", "DELIVERBY"])
def test_mode_r_is_not_handed_on_late(settings: Settings, offered: str) -> None:
    """Neither after its time, nor to a server that wants more time than is left."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = (*DEFAULT_EXTENSIONS, offered)
            await in_store(submit, "R", seconds=600)
            await b.work(minutes=0 if offered.endswith("700") else 10)
            recipient = await in_store(bob)
            assert (recipient.state, recipient.last_status) == ("bounced", "5.4.7")
            assert not any(command.startswith("MAIL") for command in sink.commands)

    run(asyncio.wait_for(scenario(), 30))


def test_mode_r_comes_back_when_its_time_is_over_whatever_the_destination_waits_for() -> None:
    alice = new_account("alice")
    submit("R", seconds=60, reverse_path=alice.login)
    Destination.objects.update(failures=3, next_attempt_at=NOON + timedelta(hours=2))
    settle_overdue(now=NOON + timedelta(seconds=59))
    assert bob().state == "queued"
    settle_overdue(now=NOON + timedelta(seconds=60))
    assert (bob().state, bob().last_status, bob().report_due) == ("expired", "5.4.7", "failed")
    assert Attempt.objects.get().outcome == "expired"
    assert bounces.send_reports(now=NOON + timedelta(seconds=61), new_name=bounces.new_name) == 1
    notice = bytes(Content.objects.latest("id").octets)
    assert b"Action: failed\r\nStatus: 5.4.7\r\n" in notice
    assert b"Deliver-By-Date: Sun, 01 Mar 2026 12:01:00 +0000\r\n" in notice


def test_mode_r_is_left_to_whoever_is_sending_it() -> None:
    submit("R", seconds=60)
    claim_all()
    settle_overdue(now=NOON + timedelta(seconds=61))
    assert bob().state == "queued"
    settle_overdue(now=NOON + timedelta(seconds=91))  # the lease is over
    assert bob().state == "expired"


def test_mode_n_is_told_of_once_and_tried_further() -> None:
    submit("N", seconds=60)
    settle_overdue(now=NOON + timedelta(seconds=59))
    assert bob().report_due == ""
    settle_overdue(now=NOON + timedelta(seconds=60))
    assert (bob().state, bob().report_due) == ("queued", "delayed")
    QueuedRecipient.objects.update(report_due="")
    settle_overdue(now=NOON + timedelta(seconds=120))
    bounces.mark_delayed(now=NOON + timedelta(hours=5))
    assert bob().report_due == ""


def test_a_delay_of_mode_n_says_that_its_time_is_over() -> None:
    """RFC 2852 section 4.1.3: 4.4.7, whatever the last try came to."""
    alice = new_account("alice")
    submit("N", seconds=60, reverse_path=alice.login)
    QueuedRecipient.objects.update(state="deferred", last_status="4.2.2", last_reply="452 4.2.2 full")
    settle_overdue(now=NOON + timedelta(seconds=60))
    bounces.send_reports(now=NOON + timedelta(seconds=61), new_name=bounces.new_name)
    notice = bytes(Content.objects.latest("id").octets)
    assert b"Action: delayed\r\nStatus: 4.4.7\r\n" in notice


def test_a_delay_of_mode_r_is_tried_for_its_time_alone() -> None:
    alice = new_account("alice")
    submit("R", seconds=6 * 3_600, reverse_path=alice.login)
    bounces.mark_delayed(now=NOON + timedelta(hours=5))
    bounces.send_reports(now=NOON + timedelta(hours=5), new_name=bounces.new_name)
    notice = bytes(Content.objects.latest("id").octets)
    assert b"Will-Retry-Until: Sun, 01 Mar 2026 18:00:00 +0000\r\n" in notice


def test_nothing_is_told_of_a_time_that_was_over_when_it_came() -> None:
    submit("N", seconds=-60)
    settle_overdue(now=NOON)
    assert (bob().state, bob().report_due) == ("queued", "")
