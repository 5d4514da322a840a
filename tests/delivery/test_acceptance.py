"""Taking responsibility for messages, one by one and in batches."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from delivery.acceptance import Acceptance, Accepted, Writer, accept_now
from delivery.filters.policies import Place
from delivery.filters.recording import Judged
from delivery.findings import Action, Finding, Thresholds, judge
from delivery.models import QueuedMessage, RecordedVerdict
from mailboxes.exceptions import MailboxNotFound, QuotaExceeded
from mailboxes.models import Account, Content, Message
from mailboxes.store import fetch, hierarchy, locks
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OCTETS = b"From: a@example.org\r\nSubject: Greetings\r\n\r\nHello\r\n"
ELSEWHERE = EmailAddress.parse("carol@elsewhere.example")


def inbox(account: Account) -> MailboxEntry:
    return hierarchy.find_mailbox(account_id=account.pk, name="INBOX")


def with_writer(work: Callable[[Writer], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        writer = Writer(clock=lambda: NOW)
        try:
            return await work(writer)
        finally:
            await writer.close()

    return asyncio.run(run())


@pytest.mark.django_db
def test_one_message_to_accounts_the_queue_and_sent_has_one_content() -> None:
    sender, reader = new_account("sender"), new_account("reader")
    acceptance = Acceptance(
        OCTETS, (sender.pk, reader.pk), (ELSEWHERE,), sender.login, submitted_by=sender.pk, save_in_sent=True
    )
    accepted = accept_now(acceptance, now=NOW)
    assert accepted.uids == {sender.pk: 1, reader.pk: 1}
    assert accepted.queued_message_id is not None
    queued = QueuedMessage.objects.get(pk=accepted.queued_message_id)
    assert (queued.content_id, queued.reverse_path) == (accepted.content_id, sender.login)
    assert [each.forward_path for each in queued.recipients.all()] == [str(ELSEWHERE)]
    assert set(Message.objects.values_list("content_id", flat=True)) == {accepted.content_id}
    sent = hierarchy.find_mailbox(account_id=sender.pk, name="Sent")
    assert (sent.message_count, sent.unseen_count) == (1, 0)


@pytest.mark.django_db
def test_what_cannot_be_delivered_is_not_queued_either() -> None:
    full = new_account("full", quota_octets=1)
    with pytest.raises(QuotaExceeded):
        accept_now(Acceptance(OCTETS, (full.pk,), (ELSEWHERE,)), now=NOW)
    with pytest.raises(MailboxNotFound):
        accept_now(Acceptance(OCTETS, (full.pk, 0), (ELSEWHERE,)), now=NOW)
    assert not QueuedMessage.objects.exists()
    assert not Content.objects.exists()


@pytest.mark.django_db
def test_mail_that_only_leaves_is_kept_for_the_queue() -> None:
    accepted = accept_now(Acceptance(OCTETS, (), (ELSEWHERE,)), now=NOW)
    assert Content.objects.filter(pk=accepted.content_id).exists()


@pytest.mark.usefixtures("shared_db")
def test_messages_that_come_together_are_committed_together_and_answered_each() -> None:
    readers = [new_account(f"reader{number}") for number in range(3)]
    full = new_account("full", quota_octets=1)

    async def send(writer: Writer) -> list[Accepted | BaseException]:
        messages = [Acceptance(OCTETS, (readers[number % 3].pk,)) for number in range(30)]
        messages.insert(7, Acceptance(OCTETS, (full.pk,)))
        return await asyncio.gather(*map(writer.accept, messages), return_exceptions=True)

    outcomes = with_writer(send)
    assert isinstance(outcomes.pop(7), QuotaExceeded)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    for reader in readers:
        uids = sorted(outcome.uids[reader.pk] for outcome in outcomes if reader.pk in outcome.uids)
        assert uids == list(range(1, 11))
        assert inbox(reader).message_count == 10


@pytest.mark.usefixtures("shared_db")
def test_a_row_that_the_database_refuses_fails_alone() -> None:
    reader = new_account("reader")

    async def send(writer: Writer) -> list[Accepted | BaseException]:
        good = [Acceptance(OCTETS, (reader.pk,)) for _ in range(3)]
        # A NUL, which no text column takes; a door would never let such an address in.
        bad = Acceptance(OCTETS, (reader.pk,), (EmailAddress("nul\0", "elsewhere.example"),))
        return await asyncio.gather(*map(writer.accept, [good[0], bad, *good[1:]]), return_exceptions=True)

    outcomes = with_writer(send)
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True, False, True, True]
    assert inbox(reader).message_count == 3


@pytest.mark.usefixtures("shared_db")
def test_a_locked_mailbox_holds_up_nobody_but_its_own_messages() -> None:
    busy, idle = new_account("busy"), new_account("idle")
    is_locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locks.lock_mailboxes([inbox(busy).mailbox_id])
            is_locked.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_locked.wait(10)

    async def send(writer: Writer) -> None:
        held = asyncio.ensure_future(writer.accept(Acceptance(OCTETS, (busy.pk,))))
        for _ in range(5):
            await writer.accept(Acceptance(OCTETS, (idle.pk,)))
        assert not held.done()
        release.set()
        assert (await held).uids == {busy.pk: 1}

    try:
        with_writer(send)
    finally:
        release.set()
        holder.join(10)
    assert (inbox(busy).message_count, inbox(idle).message_count) == (1, 5)


@pytest.mark.usefixtures("shared_db")
def test_a_large_message_comes_back_octet_by_octet() -> None:
    reader = new_account("reader")
    octets = OCTETS + bytes(range(256)) * 4096
    accepted = with_writer(lambda writer: writer.accept(Acceptance(octets, (reader.pk,))))
    [(_, stored)] = fetch.fetch_octets(mailbox_id=inbox(reader).mailbox_id, uids=[accepted.uids[reader.pk]])
    assert stored == octets


@pytest.mark.usefixtures("shared_db")
@pytest.mark.parametrize("is_junk", [False, True])
def test_a_verdict_is_committed_with_its_message_and_is_what_a_lone_one_would_be(is_junk: bool) -> None:
    """In one statement with others, and by the way that waits for locks."""
    fast, slow = new_account("fast"), new_account("slow")
    found = [
        Finding("spf", "fail", "Not from \"there\" \\ \0 'x' \udcff.", 2.5),
        Finding("header", "no-date", "É", 1.25),
    ]
    if is_junk:
        found.append(Finding("dmarc", "fail", "Forged.", 1.5, at_least=Action.JUNK))

    def acceptance(account: Account) -> Acceptance:
        junk = hierarchy.find_mailbox(account_id=account.pk, name="Junk").mailbox_id
        verdict = judge(found, Thresholds(junk=5))
        place = Place(junk, "Junk") if verdict.is_junk else None
        judged = Judged(account.pk, verdict, "t1", "192.0.2.1", "a'b@far.test", place)
        return Acceptance(OCTETS, judged=(judged,))

    prompt = acceptance(fast)
    assert with_writer(lambda writer: writer.accept(prompt)).uids == {fast.pk: 1}
    accept_now(acceptance(slow), now=NOW)
    rows = [
        RecordedVerdict.objects.filter(account=account).values(
            "action", "score", "findings", "trace_id", "peer", "reverse_path", "judged_at"
        )
        for account in (fast, slow)
    ]
    assert list(rows[0]) == list(rows[1])
    for account in (fast, slow):
        name = "Junk" if is_junk else "INBOX"
        [message] = Message.objects.filter(mailbox__account=account)
        assert message.mailbox.name == name
        assert RecordedVerdict.objects.get(account=account).content_id == message.content_id


@pytest.mark.usefixtures("shared_db")
def test_where_a_message_has_no_room_its_verdict_has_none_either() -> None:
    full = new_account("full", quota_octets=1)
    judged = Judged(full.pk, judge([Finding("spf", "pass", "Yes.")], Thresholds(junk=5)), "t", "::1", "")
    with pytest.raises(QuotaExceeded):
        with_writer(lambda writer: writer.accept(Acceptance(OCTETS, judged=(judged,))))
    assert not RecordedVerdict.objects.filter(account=full).exists()
