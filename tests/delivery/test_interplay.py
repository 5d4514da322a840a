"""What two features make of one message: verbs, notices, forms and time-outs together, with real servers."""

import asyncio
import email
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.bounces import new_name, send_reports
from delivery.causes import read_problems_of
from delivery.models import Attempt, Holder, QueuedMessage, QueuedRecipient, Suppression
from delivery.queue import verbs
from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import Order, Verb
from domains.exceptions import InvalidAddress
from mailboxes.models import Account, Message
from mailhost.net.store_threads import in_store
from mailhost.protocols.bounce_causes import Cause
from tests.delivery.test_worker import bench, queue_leads_out
from tests.support.hosting import new_account
from tests.support.queueing import NOON, queue, state
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, END

__all__ = ["queue_leads_out"]


@pytest.fixture
def alice(shared_db: None) -> Account:
    Suppression.objects.all().delete()
    return new_account("alice")


def send(account: Account, *to: str, notify: str = "", now: datetime = NOON, **columns: Any) -> int:
    pk = queue(*to, reverse_path=account.login, now=now)
    QueuedMessage.objects.filter(pk=pk).update(account=account, **columns)
    QueuedRecipient.objects.filter(message_id=pk).update(notify=notify)
    return pk


def follow(order: Order, asked: QueueFilter) -> int:
    """How many it changed."""
    done = verbs.begin(order=order, asked=asked)
    while not done.is_over:
        done = verbs.advance(order=order, asked=asked, run=done, by="op", now=NOON)
    return done.changed


def do(verb: Verb, *, to: str = "", **asked: Any) -> int:
    """By an operator."""
    return follow(Order(verb=verb, to=to), QueueFilter(**asked))


def row(forward_path: str) -> QueuedRecipient:
    return QueuedRecipient.objects.get(forward_path=forward_path)


def notices(account: Account) -> list[str]:
    contents = Message.objects.filter(mailbox__account=account).select_related("content")
    return [bytes(each.content.octets).decode() for each in contents.order_by("pk")]


def part_of(notice: str, number: int) -> Any:
    return email.message_from_string(notice).get_payload(number)


def test_what_is_held_is_redirected_and_stays_until_it_is_released(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("other.test") as sink:
            await in_store(queue, "bob@far.test")
            await in_store(do, Verb.HOLD)
            assert await in_store(do, Verb.REDIRECT, to="other.test") == 1
            await b.work()
            assert (await in_store(state, "bob@far.test"), sink.received) == ("held", [])
            await in_store(do, Verb.RELEASE)
            await b.work()
            [received] = await sink.wait_for(1)
            assert received.forward_paths == ["bob@far.test"]

    run(scenario())


@pytest.mark.parametrize("to", ["[127.0.0.1]", "Other.test"])
def test_it_is_redirected_to_an_address_too(settings: Settings, to: str) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("other.test") as sink:
            await in_store(queue, "bob@far.test")
            await in_store(do, Verb.REDIRECT, to=verbs.next_hop(to))
            await b.work()
            [received] = await sink.wait_for(1)
            assert received.forward_paths == ["bob@far.test"]

    run(scenario())


@pytest.mark.parametrize("to", ["[foo]", "[]", "[192.0.2.1", "192.0.2.1", "a b", "[IPv6:fe80::1%eth0]", ""])
def test_what_is_no_next_hop_is_refused(to: str) -> None:
    with pytest.raises(InvalidAddress):
        verbs.next_hop(to)


def test_a_notice_of_what_was_redirected_is_about_its_own_address(settings: Settings, alice: Account) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("other.test") as sink:
            sink.say("RCPT", "550 5.2.1 mailbox disabled")
            await in_store(send, alice, "bob@far.test")
            await in_store(do, Verb.REDIRECT, to="other.test")
            await b.work()
            await b.work()
            [notice] = await in_store(notices, alice)
            status = str(part_of(notice, 1))
            assert "Final-Recipient: rfc822; bob@far.test" in status
            assert "Remote-MTA: dns; mx.other.test" in status
            assert "other.test said" in notice

    run(scenario())


@pytest.mark.parametrize(
    ("holder", "reply", "told"),
    [
        (Holder.OPERATOR, "550 no such user, I think", "550 no such user, I think"),
        (Holder.OPERATOR, "", "The message was given up by an operator of this host"),
        (
            Holder.ADMINISTRATOR,
            "",
            "The message was given up by an administrator of the domain that it is from",
        ),
    ],
)
def test_what_was_given_up_here_is_not_said_of_another_server(
    settings: Settings, alice: Account, holder: Holder, reply: str, told: str
) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("RCPT", "452 4.2.2 mailbox full")
            await in_store(send, alice, "bob@far.test")
            await b.work()
            order = Order(verb=Verb.BOUNCE, holder=holder, reply=reply)
            await in_store(follow, order, QueueFilter(recipient="bob@far.test"))
            await in_store(send_reports, now=b.now, new_name=new_name)
            found = await in_store(row, "bob@far.test")
            assert (found.state, found.cause, found.last_reply) == ("bounced", "given-up", told)
            [notice] = await in_store(notices, alice)
            words, status = part_of(notice, 0).get_payload(), str(part_of(notice, 1)).replace("\n ", " ")
            assert "has given the message up. No other server refused it." in words
            assert f"Whoever did said: {told}" in words
            assert "full" not in words
            assert f"Diagnostic-Code: x-mailhost; {told}" in status
            assert "Remote-MTA" not in status
            [group] = (await in_store(read_problems_of, account_id=alice.pk, now=b.now)).failed
            assert group.cause is Cause.GIVEN_UP
            assert not await in_store(Suppression.objects.exists)

    run(scenario())


def test_a_mistyped_redirect_costs_no_message(settings: Settings, alice: Account) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(send, alice, "bob@far.test")
            await in_store(do, Verb.REDIRECT, to="ohter.test")
            await b.work()
            await b.work()
            assert await in_store(notices, alice) == []
            assert (await in_store(state, "bob@far.test"), sink.received) == ("deferred", [])
            assert not await in_store(Suppression.objects.exists)
            assert "There is no domain ohter.test" in (await in_store(row, "bob@far.test")).last_reply
            await in_store(do, Verb.REDIRECT, to="far.test", next_hop="ohter.test")
            await b.work()
            await sink.wait_for(1)

    run(scenario())


def test_an_address_beyond_ascii_comes_back_from_where_it_was_redirected(
    settings: Settings, alice: Account
) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("other.test") as sink:
            await in_store(send, alice, "jürgen@far.test", is_smtputf8=True)
            await in_store(do, Verb.REDIRECT, to="other.test")
            await b.work()
            found = await in_store(row, "jürgen@far.test")
            assert (found.state, found.last_status, sink.received) == ("bounced", "5.6.7", [])
            await b.work()
            [notice] = await in_store(notices, alice)
            words = part_of(notice, 0).get_payload(decode=True).decode()
            assert "characters that the other server cannot handle" in words

    run(scenario())


@pytest.mark.parametrize(("notify", "told"), [("NEVER", 0), ("DELAY", 0), ("", 1), ("SUCCESS,FAILURE", 1)])
@pytest.mark.parametrize("server", ["away", "greylisting"])
def test_whoever_wants_to_know_hears_that_the_time_is_over(
    settings: Settings, alice: Account, notify: str, told: int, server: str
) -> None:
    settings.QUEUE_DELAY_NOTICE_SECONDS = 0

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("RCPT", "451 4.7.1 greylisted")
            if server == "away":
                b.dns.say("mx.far.test", "A", "127.0.0.77")
            await in_store(send, alice, "bob@far.test", notify=notify)
            await b.work()
            await b.work(minutes=6 * 24 * 60)
            await b.work()
            assert await in_store(state, "bob@far.test") == "expired"
            assert len(await in_store(notices, alice)) == told

    run(scenario())


def test_what_was_cancelled_while_its_server_kept_the_last_answer_is_told_as_it_was(
    settings: Settings, alice: Account
) -> None:
    """The server has it, whatever is said meanwhile: nobody is told anything else, and nobody gets it twice."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.gate = asyncio.Event()
            await in_store(send, alice, "bob@far.test")
            working = asyncio.create_task(b.work())
            await asyncio.wait_for(sink.at_gate.wait(), 10)
            assert await in_store(do, Verb.CANCEL) == 1
            assert await in_store(state, "bob@far.test") == "cancelled"
            sink.gate.set()
            await working
            assert await in_store(state, "bob@far.test") == "delivered"
            await b.work(minutes=60)
            assert len(sink.received) == 1
            assert await in_store(notices, alice) == []

    run(scenario())


def test_a_lost_last_answer_sends_twice_and_never_tells_of_a_failure(
    settings: Settings, alice: Account
) -> None:
    """RFC 5321 section 6.1: better twice than not; the sender hears of neither."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say(END, CLOSE, "250 2.0.0 taken")
            await in_store(send, alice, "bob@far.test")
            await b.work()
            assert "may arrive twice" in (await in_store(row, "bob@far.test")).last_reply
            await b.work(minutes=3)
            assert await in_store(state, "bob@far.test") == "delivered"
            await b.work()
            assert await in_store(notices, alice) == []
            outcomes = await in_store(_outcomes)
            assert outcomes == ["deferred", "delivered"]

    run(scenario())


def _outcomes() -> Sequence[str]:
    return list(Attempt.objects.order_by("id").values_list("outcome", flat=True))


def test_what_became_too_large_by_its_conversion_comes_back(settings: Settings, alice: Account) -> None:
    """RFC 1870 section 6.1 is about what would be sent, and seven bits take more of them."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("eight.test", "seven.test") as sink:
            octets = (
                b"From: Alice <alice@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                b"Content-Transfer-Encoding: 8bit\r\n\r\n" + ("ü" * 30 + "\r\n").encode() * 20
            )
            sink.extensions = ("PIPELINING", "SIZE 1600", "8BITMIME", "ENHANCEDSTATUSCODES")
            assert len(octets) < 1_500
            for to in ("a@eight.test", "b@seven.test"):
                pk = await in_store(queue, to, reverse_path=alice.login, octets=octets)
                await in_store(QueuedMessage.objects.filter(pk=pk).update, body="8BITMIME")
            await in_store(do, Verb.HOLD, recipient="b@seven.test")
            await b.work()
            assert await in_store(state, "a@eight.test") == "delivered"
            sink.extensions = tuple(each for each in sink.extensions if each != "8BITMIME")
            await in_store(do, Verb.RELEASE)
            await b.work()
            found = await in_store(row, "b@seven.test")
            assert (found.state, found.last_status) == ("bounced", "5.3.4")
            assert len(sink.received) == 1

    run(scenario())


def test_another_workers_claim_sends_what_the_first_has_lost(settings: Settings) -> None:
    """The first one's answer comes when its lease is over: what it then knows is written by nobody twice."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.gate = asyncio.Event()
            await in_store(queue, "bob@far.test")
            working = asyncio.create_task(b.work())
            await asyncio.wait_for(sink.at_gate.wait(), 10)
            await in_store(_lose_claims)
            gate, sink.gate = sink.gate, None
            await b.work()
            assert await in_store(state, "bob@far.test") == "delivered"
            gate.set()
            await working
            assert len(sink.received) == 2  # RFC 5321 section 6.1
            assert await in_store(_outcomes) == ["delivered"]

    run(scenario())


def _lose_claims() -> None:
    with connection.cursor() as sql:
        sql.execute("UPDATE delivery_destination SET claimed_until = %s", [NOON - timedelta(minutes=1)])
