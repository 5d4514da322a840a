"""Many messages into mailboxes in one statement; what does not fit is left out whole."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from mailboxes.accounts import change_account
from mailboxes.exceptions import DiskNearlyFull, QuotaExceeded
from mailboxes.models import Account, AccountUsage, Content, Message
from mailboxes.store import append, fetch, hierarchy, locks
from mailboxes.store.arrivals import CONTENT_IDS_AT_ONCE, Arrival, Arrivals
from mailboxes.store.values import Flag, MailboxEntry, NewMessage
from tests.support.delivering import place_now
from tests.support.hosting import new_account

pytestmark = pytest.mark.usefixtures("shared_db")

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LETTER = append.prepare(b"From: a@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe {0} %s\r\n\r\nHello\r\n")
OTHER = append.prepare(bytes(range(256)) * 30)


def inbox(account: Account) -> MailboxEntry:
    return hierarchy.find_mailbox(account_id=account.pk, name="INBOX")


def test_each_message_is_in_all_of_its_inboxes_with_one_content() -> None:
    alice, bob = new_account("alice"), new_account("bob")
    first, second, third = place_now(
        [Arrival(LETTER, (alice.pk, bob.pk)), Arrival(OTHER, (bob.pk,)), Arrival(LETTER, (alice.pk,))],
        now=NOW,
    )
    assert first is not None
    assert second is not None
    assert third is not None
    validity = {account.pk: inbox(account).uid_validity for account in (alice, bob)}
    assert first.places == {alice.pk: (validity[alice.pk], 1), bob.pk: (validity[bob.pk], 1)}
    assert second.places == {bob.pk: (validity[bob.pk], 2)}
    assert third.places == {alice.pk: (validity[alice.pk], 2)}
    stored = dict(fetch.fetch_octets(mailbox_id=inbox(bob).mailbox_id, uids=[1, 2]))
    assert stored == {1: LETTER.octets, 2: OTHER.octets}
    assert len({first.content_id, second.content_id, third.content_id}) == 3
    for account in (alice, bob):
        entry, usage = inbox(account), AccountUsage.objects.get(pk=account.pk)
        rows = Message.objects.filter(mailbox_id=entry.mailbox_id)
        octets = sum(row.size_octets for row in rows)
        assert (entry.message_count, entry.unseen_count, entry.size_octets, entry.uid_next) == (
            2,
            2,
            octets,
            3,
        )
        assert (usage.messages, usage.octets) == (2, octets)
        assert {row.modseq for row in rows} == {entry.highest_modseq}


def test_a_row_is_what_an_append_would_have_made() -> None:
    alice = new_account("alice")
    place_now([Arrival(LETTER, (alice.pk,))], now=NOW)
    mailbox = inbox(alice).mailbox_id
    append.append(account_id=alice.pk, mailbox_id=mailbox, contents=[NewMessage(LETTER)], now=NOW)
    columns = [name for name in fetch.COLUMNS if name not in {"modseq", "content_id"}]
    delivered, appended = fetch.fetch_rows(mailbox_id=mailbox, uids=[1, 2], columns=columns)
    assert delivered[1:] == appended[1:]


def test_an_append_is_placed_with_what_it_says() -> None:
    alice = new_account("alice")
    long_ago = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
    words = ("$Forwarded", "a,b}c")
    placed = place_now(
        [
            Arrival(LETTER, (alice.pk,), "Drafts", Flag.SEEN | Flag.DRAFT, words, long_ago),
            Arrival(OTHER, (alice.pk,), "Drafts", Flag.DELETED),
            Arrival(OTHER, (alice.pk,)),
            Arrival(OTHER, (alice.pk,), "No such mailbox"),
        ],
        now=NOW,
    )
    assert [found is not None for found in placed] == [True, True, True, False]
    drafts = hierarchy.find_mailbox(account_id=alice.pk, name="Drafts")
    assert (drafts.message_count, drafts.unseen_count, drafts.deleted_count) == (2, 1, 1)
    assert inbox(alice).message_count == 1
    first, second = Message.objects.filter(mailbox_id=drafts.mailbox_id).order_by("uid")
    assert (first.flags, tuple(first.keywords), first.internal_date) == (
        Flag.SEEN | Flag.DRAFT,
        words,
        long_ago,
    )
    assert (second.flags, second.keywords, second.internal_date, second.saved_at) == (
        Flag.DELETED,
        [],
        NOW,
        NOW,
    )
    assert AccountUsage.objects.get(pk=alice.pk).messages == 3


def test_who_is_full_or_gone_leaves_the_message_out_for_all() -> None:
    alice, full = new_account("alice"), new_account("full", quota_octets=len(LETTER.octets) - 1)
    outcomes = place_now(
        [
            Arrival(LETTER, (full.pk,)),
            Arrival(LETTER, (alice.pk, full.pk)),
            Arrival(LETTER, (alice.pk, 0)),
            Arrival(OTHER, (alice.pk,)),
        ],
        now=NOW,
    )
    assert [outcome is not None for outcome in outcomes] == [False, False, False, True]
    assert outcomes[3] is not None
    assert outcomes[3].places[alice.pk][1] == 1
    assert (inbox(alice).message_count, inbox(full).message_count) == (1, 0)
    assert Message.objects.get(mailbox_id=inbox(alice).mailbox_id).content_id == outcomes[3].content_id


def test_what_fits_only_in_part_is_left_out_together() -> None:
    nearly_full = new_account("nearly-full", quota_octets=len(LETTER.octets) + 1)
    assert place_now([Arrival(LETTER, (nearly_full.pk,)), Arrival(LETTER, (nearly_full.pk,))], now=NOW) == [
        None,
        None,
    ]
    [fits] = place_now([Arrival(LETTER, (nearly_full.pk,))], now=NOW)
    assert fits is not None
    assert AccountUsage.objects.get(pk=nearly_full.pk).messages == 1


def test_so_many_messages_and_no_more() -> None:
    nearly_full = new_account("nearly-full")
    change_account(account_id=nearly_full.pk, quota_messages=2, by="test")
    letter = Arrival(LETTER, (nearly_full.pk,))
    assert place_now([letter] * 3, now=NOW) == [None, None, None]
    assert None not in place_now([letter] * 2, now=NOW)
    assert place_now([letter], now=NOW) == [None]
    assert AccountUsage.objects.get(pk=nearly_full.pk).messages == 2
    with pytest.raises(QuotaExceeded):
        append.append(
            account_id=nearly_full.pk,
            mailbox_id=inbox(nearly_full).mailbox_id,
            contents=[NewMessage(LETTER)],
            now=NOW,
        )


def test_content_ids_are_never_given_twice() -> None:
    alice = new_account("alice")
    many = place_now([Arrival(LETTER, (alice.pk,))] * (CONTENT_IDS_AT_ONCE + 1), now=NOW)
    again = place_now([Arrival(LETTER, (alice.pk,))] * 2, now=NOW)
    ids = [found.content_id for found in many + again if found is not None]
    assert len(set(ids)) == CONTENT_IDS_AT_ONCE + 3
    assert Content.objects.filter(pk__in=ids).count() == len(ids)


def test_what_is_too_large_for_any_door_is_left_out(settings: Settings) -> None:
    settings.MAX_MESSAGE_OCTETS = len(LETTER.octets) - 1
    assert place_now([Arrival(LETTER, (new_account("alice").pk,))], now=NOW) == [None]


def test_a_disk_without_room_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailboxes.store.arrivals.has_room", lambda: False)
    with pytest.raises(DiskNearlyFull):
        asyncio.run(Arrivals().place([Arrival(LETTER, (1,))], now=NOW))


def test_a_locked_inbox_is_not_waited_for() -> None:
    busy, idle = new_account("busy"), new_account("idle")
    is_locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locks.lock_usage([busy.pk])
            is_locked.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_locked.wait(10)
        held, done = place_now([Arrival(LETTER, (busy.pk, idle.pk)), Arrival(LETTER, (idle.pk,))], now=NOW)
        assert held is None
        assert done is not None
    finally:
        release.set()
        holder.join(10)
    assert (inbox(busy).message_count, inbox(idle).message_count) == (0, 1)
