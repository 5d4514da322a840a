"""Mail that does nothing but leave: queued in one statement from the event loop, as a transaction would have done."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from delivery.acceptance import Acceptance, Accepted, Writer, accept_now
from delivery.models import Destination, KnownRecipient, QueuedMessage, QueuedRecipient
from delivery.queue import route_rules
from delivery.queue.claim import is_own
from delivery.queue.departures import DEPART, Departure, Departures
from mailboxes.exceptions import DiskNearlyFull
from mailboxes.models import Account, Content
from mailhost.net.store_threads import close_store_threads
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all, queue

OCTETS: Final = (
    b"From: a@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\n"
)
CAROL, DAVE = EmailAddress.parse("Carol@far.test"), EmailAddress.parse("dave@farther.test")

Row = dict[str, Any]

told: list[str] = []


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "direct"
    told.clear()
    monkeypatch.setattr("delivery.queue.departures.relay_is_due", lambda: told.append("loop"))
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: told.append("thread"))
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )
    route_rules.forget()


def with_writer(work: Callable[[Writer], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        writer = Writer(clock=lambda: NOON)
        try:
            await work(writer)
        finally:
            await writer.close()
            close_store_threads()

    asyncio.run(run())


def accept(*acceptances: Acceptance) -> list[Accepted]:
    """All in one batch, for the sessions of a process."""
    accepted: list[Accepted] = []

    async def work(writer: Writer) -> None:
        accepted.extend(await asyncio.gather(*(writer.accept(each) for each in acceptances)))

    with_writer(work)
    return accepted


def know(*domains: str, **values: Any) -> None:
    """The destinations are there already."""
    for domain in domains:
        Destination.objects.create(name=domain, **values)


def rows(accepted: Accepted) -> list[Row]:
    """All that is kept of a queued message, but for numbers."""
    assert accepted.queued_message_id is not None
    message_id = accepted.queued_message_id
    content: Row = {**Content.objects.values().get(pk=accepted.content_id)}
    message: Row = {**QueuedMessage.objects.values().get(pk=message_id)}
    recipients = QueuedRecipient.objects.filter(message=message_id).order_by("forward_path").values()
    return [
        _without(content, "id"),
        _without(message, "id", "content_id"),
        *(_without({**each}, "id", "message_id") for each in recipients),
    ]


def _without(row: Row, *names: str) -> Row:
    for name in names:
        del row[name]
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}


def everything(account: Account) -> Acceptance:
    return Acceptance(
        OCTETS,
        relay=(CAROL, DAVE),
        reverse_path=account.login,
        submitted_by=account.pk,
        body="8BITMIME",
        is_smtputf8=True,
        ret="HDRS",
        envid="QQ+2B314159",
        requires_tls=True,
        dsn_requests={CAROL.key: DsnRequest("SUCCESS,FAILURE", "rfc822;carol@old.test")},
        led_from={DAVE.key: "team@here.test"},
        first_recipients=(str(CAROL),),
        forwarded_by="here.test",
        deliver_by=NOON + timedelta(hours=1),
        deliver_by_mode="R",
    )


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"requires_tls": False, "octets": b"TLS-Required: No\r\n" + OCTETS},
        {"octets": b"no header\r\n", "body": "7BIT"},
        {"octets": b"Message-ID: <" + b"m" * 900 + b"@x>\r\n\r\n"},
        {"submitted_by": None, "reverse_path": "", "first_recipients": ()},
    ],
    ids=["all that can be said", "TLS-Required", "no header", "long id", "null reverse-path"],
)
def test_the_rows_are_what_a_transaction_would_have_made(changed: dict[str, Any]) -> None:
    know("far.test", "farther.test")
    acceptance = replace(everything(new_account("alice")), **changed)
    [accepted] = accept(acceptance)
    assert told == ["loop"]
    assert rows(accepted) == rows(accept_now(acceptance, now=NOON))


def test_many_leave_together_and_each_has_its_own() -> None:
    know("far.test", "farther.test")
    alice = new_account("alice")
    acceptances = [
        Acceptance(
            b"Subject: %d\r\n\r\n" % number,
            relay=(EmailAddress.parse(f"r{number}@far{'ther' * (number % 2)}.test"),),
            reverse_path=alice.login,
            submitted_by=alice.pk,
            first_recipients=(f"r{number % 3}@far.test",),
        )
        for number in range(120)
    ]
    accepted = accept(*acceptances)
    assert len(told) <= len({each.content_id for each in accepted}) == len(accepted)
    for number, each in enumerate(accepted):
        content, _, recipient = rows(each)
        assert content["subject"] == str(number)
        assert recipient["forward_path"].startswith(f"r{number}@")
        assert (
            Destination.objects.get(pk=recipient["destination_id"]).name
            == recipient["forward_path"].partition("@")[2]
        )
    known = KnownRecipient.objects.filter(account=alice).values_list("address", flat=True)
    assert sorted(known) == [f"r{number}@far.test" for number in range(3)]


def test_a_new_destination_is_made_by_the_transaction_and_known_from_then_on() -> None:
    know("far.test")
    one = Acceptance(OCTETS, relay=(CAROL, DAVE), reverse_path="a@here.test")
    [accepted] = accept(one)
    assert told == ["thread"]
    assert Content.objects.filter(message_id="<1@example.org>", pk__gte=accepted.content_id).count() == 1
    assert QueuedMessage.objects.count() == 1
    accept(one)
    assert told == ["thread", "loop"]


def test_one_new_destination_keeps_nobody_else_from_leaving_at_once() -> None:
    know("far.test")
    known, new = (Acceptance(OCTETS, relay=(to,), reverse_path="a@here.test") for to in (CAROL, DAVE))
    accepted = accept(known, new, known)
    assert sorted(told) == ["loop", "thread"]
    destinations = [QueuedRecipient.objects.get(message=each.queued_message_id or 0) for each in accepted]
    assert [each.destination.name for each in destinations] == ["far.test", "farther.test", "far.test"]
    assert QueuedMessage.objects.count() == 3


def test_ids_grow_with_time_whichever_way_messages_go() -> None:
    know("far.test")
    plain = Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test")
    now = NOON
    ids: list[int] = []

    async def scenario() -> None:
        nonlocal now
        writer = Writer(clock=lambda: now)
        for acceptance in (plain, plain, replace(plain, is_held=True), plain):
            ids.append((await writer.accept(acceptance)).queued_message_id or 0)
            now += timedelta(seconds=3)
        await writer.close()
        close_store_threads()

    asyncio.run(scenario())
    assert told == ["loop", "loop", "thread", "loop"]
    assert ids == sorted(ids)
    assert ids == list(range(ids[0], ids[0] + 4))


def test_who_rests_is_woken_and_who_fails_keeps_its_time() -> None:
    later = NOON + timedelta(hours=3)
    know("far.test")
    know("farther.test", next_attempt_at=later, failures=2)
    know("early.test", next_attempt_at=later)
    early = EmailAddress.parse("x@early.test")
    accept(Acceptance(OCTETS, relay=(CAROL, DAVE, early), reverse_path="a@here.test"))
    times = dict(Destination.objects.values_list("name", "next_attempt_at"))
    assert times == {"far.test": NOON, "farther.test": later, "early.test": NOON}
    assert told == ["loop"]


def test_who_is_being_sent_to_is_not_told_of_again() -> None:
    know("far.test", next_attempt_at=NOON)
    claim_all()
    accept(Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test"))
    assert told == []
    assert QueuedRecipient.objects.get().state == "queued"


def test_mail_that_comes_just_as_a_destination_is_put_to_rest_wakes_it() -> None:
    queue("first@far.test")
    claim = claim_all()["far.test"]
    is_locked, may_rest = threading.Event(), threading.Event()

    def rest() -> None:
        """As release_claim() does, where nothing is left."""
        with transaction.atomic():
            assert is_own(claim)
            is_locked.set()
            assert may_rest.wait(10)
            Destination.objects.update(next_attempt_at=None, claimed_until=None, claim_token=None)
        connection.close()

    async def work(writer: Writer) -> None:
        resting = asyncio.create_task(asyncio.to_thread(rest))
        await asyncio.to_thread(is_locked.wait, 10)
        accepting = asyncio.create_task(
            writer.accept(Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test"))
        )
        await asyncio.to_thread(until_somebody_waits_for_a_lock)
        may_rest.set()
        await asyncio.gather(resting, accepting)

    told.clear()
    with_writer(work)
    assert Destination.objects.get().next_attempt_at == NOON
    assert told == ["loop"]


def until_somebody_waits_for_a_lock() -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    is_waited_for = False
    with connection.cursor() as sql:
        while not is_waited_for:
            sql.execute(waiting)
            is_waited_for = sql.fetchone()[0] > 0
    connection.close()


def test_a_row_that_the_database_refuses_fails_alone() -> None:
    know("far.test")
    gone = 2**40  # an account that is not there
    good = Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test")

    async def work(writer: Writer) -> None:
        found = await asyncio.gather(
            writer.accept(good), writer.accept(replace(good, submitted_by=gone)), return_exceptions=True
        )
        assert [type(each) is Accepted for each in found] == [True, False]

    with_writer(work)
    assert QueuedMessage.objects.count() == 1


@pytest.mark.parametrize("domains", [(), ("far.test",)])
def test_it_is_planned_once_and_reads_no_index_as_a_whole(domains: tuple[str, ...]) -> None:
    know(*domains)
    with transaction.atomic(), connection.cursor() as sql:
        sql.execute("ANALYZE delivery_destination")
        sql.execute("SET LOCAL enable_seqscan = off")
        explained = connection.connection.pgconn.exec_(b"EXPLAIN (GENERIC_PLAN) " + DEPART.text)
        plan = [explained.get_value(row, 0).decode().strip() for row in range(explained.ntuples)]
    assert not any("Seq Scan" in line for line in plan)
    reads = [
        number for number, line in enumerate(plan) if "on delivery_destination" in line and "Scan" in line
    ]
    assert len(reads) == 3
    assert all(plan[number + 1].startswith(("Index Cond", "Recheck Cond")) for number in reads), "\n".join(
        plan
    )


def test_a_full_disk_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    know("far.test")
    monkeypatch.setattr("delivery.queue.departures.has_room", lambda: False)
    with pytest.raises(DiskNearlyFull):
        accept(Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test"))
    assert not QueuedMessage.objects.exists()


def to_many(count: int) -> Acceptance:
    relay = tuple(EmailAddress.parse(f"r{number}@far.test") for number in range(count))
    return Acceptance(OCTETS, relay=relay, reverse_path="a@here.test")


def test_a_long_list_of_recipients_is_not_spelt_in_the_event_loop() -> None:
    know("far.test")
    accept(to_many(100))
    assert told == ["loop"]
    accept(to_many(101))
    assert told == ["loop", "thread"]
    assert QueuedRecipient.objects.count() == 201


def test_recipients_weigh_in_a_batch_as_messages_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WRITE_BATCH_OCTETS = 1_000_000
    batches = []
    queue_all = Departures.queue

    async def counting(self: Departures, departures: Sequence[Departure], *, now: datetime) -> Any:
        batches.append(len(departures))
        return await queue_all(self, departures, now=now)

    monkeypatch.setattr(Departures, "queue", counting)
    know("far.test")
    accept(*(to_many(100) for _ in range(5)))
    assert batches == [2, 2, 1]


@pytest.mark.parametrize(
    "changed",
    [
        {"release_at": NOON + timedelta(hours=1)},
        {"is_held": True},
        {"suppressed": (str(CAROL),)},
        {"confirmed": (("b@here.test", DsnRequest()),)},
        {"expanded": (("b@here.test", DsnRequest()),)},
        {"waiting": (("b@here.test", DsnRequest()),)},
        {"relay": ()},
    ],
    ids=str,
)
def test_whatever_else_is_to_be_done_is_left_to_the_transaction(changed: dict[str, Any]) -> None:
    plain = Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test")
    assert plain.only_leaves
    assert not replace(plain, **changed).only_leaves


def test_what_is_captured_is_left_to_the_transaction(settings: Settings) -> None:
    settings.RELAY = "capture"
    know("far.test")
    accept(Acceptance(OCTETS, relay=(CAROL,), reverse_path="a@here.test"))
    assert QueuedRecipient.objects.get().state == "captured"
