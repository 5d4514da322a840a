"""Looks that meet what nobody expected: the claim is given back, mail waits, and comes back in the end."""

from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from delivery import loading_ahead, signing, supply
from delivery.models import Attempt, Destination, QueuedMessage, QueuedRecipient
from delivery.queue import route_moves
from mailboxes.models import Content
from mailhost.net.store_threads import in_store
from tests.delivery.test_worker import bench
from tests.support.queueing import MESSAGE, queue, state, until_idle
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


@pytest.mark.parametrize(("places", "connections"), [(2, 1), (1, 2)])
def test_where_messages_follow_each_other_the_next_one_is_waited_for_unless_others_want_the_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, places: int, connections: int
) -> None:
    settings.RELAY_CONNECTIONS = places
    monkeypatch.setattr(supply, "FETCHED_RECIPIENTS", 1)
    monkeypatch.setattr(supply, "LINGER_SECONDS", 0.01)
    monkeypatch.setattr(supply, "LINGERS", 1_000)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            for number in range(2):
                await in_store(queue, f"r{number}@far.test")
            worker = b.worker()
            await worker.round()
            await sink.wait_for(2)
            if places == 1:
                await until_idle(worker)
            await in_store(queue, "late@far.test")
            if places == 1:
                await worker.round()
            await sink.wait_for(3)
            await worker.close()
            assert await in_store(state, "late@far.test") == "delivered"
            assert not await in_store(claimed)
            assert sink.connections == connections

    run(scenario())


def test_a_single_message_is_waited_behind_by_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "LINGER_SECONDS", 3_600)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test"):
            await in_store(queue, "bob@far.test")
            await b.work()
            assert not await in_store(claimed)

    run(scenario())


def test_of_a_long_queue_that_ignores_policies_no_more_is_put_aside_than_is_sent_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "FETCHED_RECIPIENTS", 1)
    monkeypatch.setattr(supply, "MESSAGES_PER_LOOK", 3)
    known: list[int] = []
    real = route_moves.due_here

    def counted(**asked: Any) -> Any:
        known.append(len(asked["except_ids"]))
        return real(**asked)

    monkeypatch.setattr(supply, "due_here", counted)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            octets = b"TLS-Required: No\r\n" + MESSAGE
            for number in range(8):
                await in_store(queue, f"r{number}@far.test", octets=octets)
            await in_store(queue, "last@far.test")
            await b.work()
            assert len(sink.received) == 9
            assert await in_store(state, "last@far.test") == "delivered"
            assert not await in_store(claimed)

    run(scenario())
    assert max(known) <= 3


UNCONVERTIBLE = (
    b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\n"
)


def test_short_messages_are_read_together_and_a_bad_one_spoils_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[int] = []
    real = signing.load_signed

    def counted(**asked: Any) -> Any:
        loads.append(len(asked["messages"]))
        return real(**asked)

    monkeypatch.setattr(supply, "load_signed", counted)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = ("PIPELINING",)
            for number in range(8):
                await in_store(queue, f"r{number}@far.test")
            await in_store(queue, "signed@far.test", octets=UNCONVERTIBLE)
            gone = await in_store(queue, "gone@far.test", octets=b"From: a@x.test\r\n\r\ngone\r\n")
            content = await in_store(QueuedMessage.objects.get, pk=gone)
            await in_store(Content.objects.filter(pk=content.content_id).delete)
            await b.work()
            assert len(sink.received) == 8
            states = {
                name: await in_store(state, f"{name}@far.test") for name in ("r0", "r7", "signed", "gone")
            }
            assert states == {"r0": "delivered", "r7": "delivered", "signed": "bounced", "gone": "bounced"}
            told = Attempt.objects.filter(outcome="delivered").values_list("signing", flat=True)
            assert await in_store(lambda: {each[:11] for each in told}) == {"Not signed:"}

    run(scenario())
    assert loads[0] == 10
    assert len(loads) <= 2  # what is gone is asked for once more


def test_long_messages_are_read_one_by_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_ahead, "AHEAD_OCTETS", 10)
    loads: list[int] = []
    real = signing.load_signed

    def counted(**asked: Any) -> Any:
        loads.append(len(asked["messages"]))
        return real(**asked)

    monkeypatch.setattr(supply, "load_signed", counted)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            for number in range(3):
                await in_store(queue, f"r{number}@far.test")
            await b.work()
            assert len(sink.received) == 3

    run(scenario())
    assert loads == [1, 1, 1]


@pytest.mark.parametrize("connections", [1, 10])
def test_a_message_that_a_fault_of_ours_hits_keeps_no_other_one_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, connections: int
) -> None:
    settings.RELAY_CONNECTIONS_PER_DESTINATION = connections
    real = signing.sign_own

    def faulty(octets: bytes, **asked: Any) -> Any:
        if b"poison" in octets:
            raise AttributeError("no such method in this Python")
        return real(octets, **asked)

    monkeypatch.setattr(signing, "sign_own", faulty)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            for name in ("first", "second"):
                await in_store(queue, f"{name}@far.test")
            await in_store(queue, "third@far.test", octets=b"From: a@x.test\r\n\r\npoison\r\n")
            await in_store(queue, "fourth@far.test")
            await b.work()
            assert len(sink.received) == 3
            assert await in_store(state, "second@far.test") == "delivered"
            assert await in_store(state, "fourth@far.test") == "delivered"
            assert await in_store(state, "third@far.test") == "deferred"
            assert await in_store(last_reply_of, "third@far.test") == "Something went wrong here"
            assert not await in_store(claimed)

    run(scenario())


def test_a_fault_that_hits_one_message_after_the_other_ends_the_look(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def faulty(octets: bytes, **_: Any) -> Any:
        tried.append(octets)
        raise AttributeError("no such method in this Python")

    monkeypatch.setattr(signing, "sign_own", faulty)
    monkeypatch.setattr("delivery.relay.attempt.MAX_DEFERRALS_IN_A_ROW", 2)
    monkeypatch.setattr(loading_ahead, "AHEAD_MESSAGES", 1)
    settings.RELAY_CONNECTIONS_PER_DESTINATION = 1

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            for number in range(5):
                await in_store(queue, f"r{number}@far.test")
            await b.work()
            assert sink.received == []
            assert {await in_store(state, f"r{number}@far.test") for number in range(5)} == {"deferred"}
            assert not await in_store(claimed)

    run(scenario())
    assert len(tried) == 2


def last_reply_of(forward_path: str) -> str:
    recipient = QueuedRecipient.objects.select_related("destination").get(forward_path=forward_path)
    return recipient.last_reply or recipient.destination.last_reply
