"""A smarthost that refuses this host, and not a message: mail waits, and whoever runs this host is told why."""

from typing import Any

import pytest
from pytest_django import Settings

from delivery.models import Destination, QueuedRecipient
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred
from delivery.relay.set_up import fault
from mailhost.net.store_threads import in_store
from mailhost.protocols.smtp.client import ReplyReader
from tests.delivery.routes.test_by_route import route
from tests.delivery.test_worker import bench
from tests.support.queueing import queue, state
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS, GREETING, SmtpSink, smtp_sink


def told(name: str) -> dict[str, Any]:
    return dict(Destination.objects.values("last_reply", "last_status", "cause").get(name=name))


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
        async with smtp_sink() as smart:
            smart.extensions = tuple(
                each for each in DEFAULT_EXTENSIONS if is_pipelined or each != "PIPELINING"
            )
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
            recipient = await in_store(QueuedRecipient.objects.get, forward_path="bob@far.test")
            assert (recipient.state, recipient.last_status, recipient.cause) == (
                "deferred",
                "4.3.5",
                "set-up",
            )

    run(scenario())


def test_an_mx_hosts_answer_is_about_the_message(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("MAIL", "530 5.7.0 Must issue a STARTTLS command first")
            await in_store(queue, "bob@far.test")
            await b.work()
            assert await in_store(state, "bob@far.test") == "bounced"

    run(scenario())


@pytest.mark.parametrize(
    "reply", ["550 5.7.1 Relaying denied", "554 5.7.1 spam", "421 4.3.2 later", "250 ok"]
)
def test_what_is_about_the_message_stays_so(reply: str) -> None:
    hop = NextHop("smart.test", "192.0.2.1", 587, is_smarthost=True)
    reader = ReplyReader()
    reader.feed(reply.encode() + b"\r\n")
    assert fault(hop, reader.replies.popleft(), peer=Deferred("", "").peer) is None
