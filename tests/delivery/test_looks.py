"""Looks that meet what nobody expected: the claim is given back, mail waits, and comes back in the end."""

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.models import Destination, QueuedRecipient
from mailhost.net.store_threads import in_store
from tests.delivery.test_worker import bench
from tests.support.queueing import queue, state
from tests.support.running import run
from tests.support.smtp_sink import GREETING


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


def last_reply() -> str:
    recipient = QueuedRecipient.objects.select_related("destination").get()
    return recipient.last_reply or recipient.destination.last_reply


def claimed() -> bool:
    return Destination.objects.filter(claim_token__isnull=False).exists()


@pytest.mark.parametrize("stage", [GREETING, "MAIL", "RCPT", "DATA"])
def test_octets_that_no_text_can_hold_are_told_and_mail_waits(settings: Settings, stage: str) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say(stage, "\0\r\n\x1b[31mgarbage")
            await in_store(queue, "bob@far.test")
            await b.work()
            assert await in_store(state, "bob@far.test") == "deferred"
            assert "This is no SMTP reply" in await in_store(last_reply)
            assert (await in_store(last_reply)).isprintable()
            assert not await in_store(claimed)

    run(scenario())


def test_a_fault_in_a_look_gives_the_claim_back_and_mail_comes_back_in_the_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: object) -> None:
        raise AttributeError("no such method in this Python")

    async def scenario() -> None:
        monkeypatch.setattr("delivery.relay.connection.RelayConnection.ask", missing)
        async with bench(settings) as b, b.server("far.test"):
            await in_store(queue, "bob@far.test")
            await b.work()
            assert not await in_store(claimed)
            assert await in_store(state, "bob@far.test") == "deferred"
            assert await in_store(last_reply) == "Something went wrong here"
            await b.work(minutes=60 * 24 * 8)
            assert await in_store(state, "bob@far.test") == "expired"

    run(scenario())
