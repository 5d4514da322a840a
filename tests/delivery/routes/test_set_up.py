"""A smarthost that refuses this host, and not a message: mail waits, and whoever runs this host is told why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytest_django import Settings

from delivery.models import Destination, QueuedRecipient
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import NOBODY
from delivery.relay.set_up import denial, fault
from mailhost.net.store_threads import in_store
from mailhost.protocols.smtp.client import ReplyReader, ServerReply
from tests.delivery.routes.test_by_route import route
from tests.delivery.test_worker import bench
from tests.support.queueing import queue, state
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS, END, GREETING, SmtpSink, smtp_sink

SMART = NextHop("smart.test", "192.0.2.1", 587, is_smarthost=True)


def told(name: str) -> dict[str, Any]:
    return dict(Destination.objects.values("last_reply", "last_status", "cause").get(name=name))


def why_it_waits(forward_path: str) -> str:
    """What was said of a recipient that waits for the operator."""
    recipient = QueuedRecipient.objects.get(forward_path=forward_path)
    assert (recipient.state, recipient.last_status, recipient.cause) == ("deferred", "4.3.5", "set-up")
    return recipient.last_reply


@asynccontextmanager
async def smarthost(*, is_pipelined: bool) -> AsyncIterator[SmtpSink]:
    async with smtp_sink() as smart:
        smart.extensions = tuple(each for each in DEFAULT_EXTENSIONS if is_pipelined or each != "PIPELINING")
        yield smart


def said(reply: str) -> ServerReply:
    reader = ReplyReader()
    reader.feed(reply.encode() + b"\r\n")
    return reader.replies.popleft()


async def send_by_smarthost(settings: Settings, smart: SmtpSink, *forward_paths: str) -> None:
    async with bench(settings) as b:
        await in_store(route, "smart", smarthost="127.0.0.1", port=smart.port)
        for path in forward_paths:
            await in_store(queue, path)
        await b.work()


@pytest.mark.parametrize("is_pipelined", [True, False])
@pytest.mark.parametrize(
    ("beginning", "reply"),
    [
        ("MAIL", "530 5.7.0 Authentication required"),
        ("MAIL", "530 Must issue a STARTTLS command first"),
        ("MAIL", "521 5.3.2 We take no mail"),
        ("MAIL", "535 5.7.8 Who are you?"),
        (GREETING, "521 We take no mail"),
    ],
)
def test_mail_waits_and_the_host_is_not_asked_for_each_message(
    settings: Settings, beginning: str, reply: str, is_pipelined: bool
) -> None:
    async def scenario() -> None:
        async with smarthost(is_pipelined=is_pipelined) as smart:
            smart.say(beginning, reply)
            paths = [f"r{number}@far.test" for number in range(8)]
            await send_by_smarthost(settings, smart, *paths)
            assert {await in_store(state, path) for path in paths} == {"deferred"}
            found = await in_store(told, "far.test")
            assert (found["cause"], found["last_status"]) == ("set-up", "4.3.5")
            assert reply in found["last_reply"]
            assert "as it is set up here" in found["last_reply"]
            assert smart.connections <= 3
            assert smart.received == []

    run(scenario())


@pytest.mark.parametrize("beginning", ["RCPT", "DATA", "."])
def test_at_a_later_command_the_recipients_wait(settings: Settings, beginning: str) -> None:
    async def scenario() -> None:
        async with smtp_sink() as smart:
            smart.say(beginning, "530 5.7.0 Authentication required")
            await send_by_smarthost(settings, smart, "bob@far.test")
            await in_store(why_it_waits, "bob@far.test")

    run(scenario())


def test_an_mx_hosts_answer_is_about_the_message(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("MAIL", "530 5.7.0 Must issue a STARTTLS command first")
            await in_store(queue, "bob@far.test")
            await b.work()
            assert await in_store(state, "bob@far.test") == "bounced"

    run(scenario())


@pytest.mark.parametrize("is_pipelined", [True, False])
@pytest.mark.parametrize(
    ("beginning", "reply"),
    [
        ("RCPT", "554 5.7.1 <bob@far.test>: Relay access denied"),
        ("RCPT", "550 relay not permitted"),
        ("RCPT", "550 5.7.64 TenantAttribution; Relay Access Denied"),
        ("RCPT", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        ("MAIL", "550 5.7.1 Invalid credentials for relay [192.0.2.1]"),
        (END, "554 5.7.60 SMTP; Client does not have permissions to send as this sender"),
    ],
)
def test_what_it_does_not_relay_as_it_is_set_up_here_waits(
    settings: Settings, beginning: str, reply: str, is_pipelined: bool
) -> None:
    async def scenario() -> None:
        async with smarthost(is_pipelined=is_pipelined) as smart:
            smart.say(beginning, reply)
            await send_by_smarthost(settings, smart, "bob@far.test")
            last_reply = await in_store(why_it_waits, "bob@far.test")
            assert reply in last_reply
            assert "as it is set up here" in last_reply

    run(scenario())


def test_one_sender_who_is_denied_keeps_no_other_back(settings: Settings) -> None:
    async def scenario() -> None:
        async with smtp_sink() as smart, bench(settings) as b:
            await in_store(route, "smart", smarthost="127.0.0.1", port=smart.port)
            smart.say("MAIL eve@", "550 5.7.1 Mail relay denied")
            await in_store(queue, "bob@far.test", reverse_path="eve@elsewhere.test")
            await in_store(queue, "carol@far.test")
            await b.work()
            assert await in_store(state, "bob@far.test") == "deferred"
            assert await in_store(state, "carol@far.test") == "delivered"

    run(scenario())


@pytest.mark.parametrize("is_pipelined", [True, False])
@pytest.mark.parametrize("is_together", [True, False])
def test_one_recipient_whom_it_does_not_take_bounces(
    settings: Settings, is_together: bool, is_pipelined: bool
) -> None:
    """Of a domain that it relays to it means the recipient, whatever it calls that."""

    async def scenario() -> None:
        async with smarthost(is_pipelined=is_pipelined) as smart, bench(settings) as b:
            await in_store(route, "smart", smarthost="127.0.0.1", port=smart.port)
            smart.say("RCPT bob@", "554 5.7.1 <bob@far.test>: Relay access denied")
            for paths in (
                [("bob@far.test", "al@far.test")] if is_together else [("al@far.test",), ("bob@far.test",)]
            ):
                await in_store(queue, *paths)
            await b.work()
            assert await in_store(state, "al@far.test") == "delivered"
            assert await in_store(state, "bob@far.test") == "bounced"

    run(scenario())


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 <bob@far.test>: Recipient address rejected: Access denied",
        "550 5.1.1 <bob@far.test>: undeliverable address: host mx.far.test said: 550 5.7.1 Relaying denied",
        "450 4.7.1 Relaying denied",
        "250 ok",
    ],
)
def test_what_it_says_of_a_recipient_is_no_denial(reply: str) -> None:
    assert denial(SMART, said(reply), peer=NOBODY, is_about_relaying=True) is None


def test_a_denial_is_a_smarthosts_alone_and_said_of_who_mail_is_from_or_for() -> None:
    denied = said("550 5.7.1 Relaying denied")
    assert denial(SMART, denied, peer=NOBODY, is_about_relaying=True) is not None
    assert denial(SMART, denied, peer=NOBODY) is None
    mx_host = NextHop("mx.far.test", "192.0.2.1", 25)
    assert denial(mx_host, denied, peer=NOBODY, is_about_relaying=True) is None


@pytest.mark.parametrize(
    "reply", ["550 5.7.1 Relaying denied", "554 5.7.1 spam", "421 4.3.2 later", "250 ok"]
)
def test_what_is_about_the_message_stays_so(reply: str) -> None:
    assert fault(SMART, said(reply), peer=NOBODY) is None
