"""Messages that their sender takes back before they leave, or gives another time; and races with their release."""

import asyncio
from datetime import timedelta

import pytest

from delivery.models import QueuedMessage
from delivery.queue.waiting import TooLate, postpone, release_due
from delivery.taking_back import TakenBack, WaitingNotFound, read_waiting, take_back, waiting_count
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account, Grant, Mailbox, Message
from mailboxes.store.values import Flag
from mailhost.audit.models import Act
from mailhost.net.store_threads import StoreThreads
from mailhost.protocols.addresses import EmailAddress
from tests.delivery.test_waiting import (
    OCTETS,
    RELEASE,
    alice,
    bob,
    contents,
    domain,
    empty_queue,
    inbox,
    states,
    submit,
    work,
)
from tests.support.hosting import new_account
from tests.support.queueing import NOON
from tests.support.racing import both
from tests.support.running import run

__all__ = ["alice", "bob", "empty_queue"]


def back(message_id: int, account: Account) -> TakenBack:
    return take_back(message_id=message_id, account_id=account.pk, by=account.login, now=NOON)


def test_what_is_taken_back_is_a_draft_again_and_not_in_sent(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, relay=("open@far.test", "secret@far.test"), in_sent=True)
    hidden = f"Bcc: secret@far.test,\r\n {bob.login}\r\n".encode()
    assert (contents(alice, "Outbox"), contents(alice, "Sent")) == ([hidden + OCTETS], [])
    taken = back(message_id, alice)
    work(seconds=60)
    assert inbox(bob) == []
    assert set(states().values()) == {"cancelled"}
    assert contents(alice, "Outbox") == contents(alice, "Sent") == []
    [draft] = contents(alice, "Drafts")
    assert draft == (hidden + OCTETS.removeprefix(b"Return-Path: <alice@x.test>\r\nReceived: by us\r\n"))
    row = Message.objects.get(mailbox__account=alice, mailbox__name="Drafts")
    assert taken.draft == (row.mailbox_id, row.uid)
    assert Flag.DRAFT in Flag(row.flags)
    assert Act.objects.filter(verb="message taken back", subject=f"Q{message_id}").exists()


def test_it_is_too_late_once_it_was_released(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, in_sent=True)
    release_due(now=RELEASE)
    with pytest.raises(TooLate):
        back(message_id, alice)
    assert len(contents(alice, "Sent")) == 1
    assert contents(alice, "Drafts") == []


def test_it_is_taken_back_once(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login)
    back(message_id, alice)
    with pytest.raises(TooLate):
        back(message_id, alice)
    assert len(contents(alice, "Drafts")) == 1


def test_nobody_else_sees_it_or_takes_it_back(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login)
    with pytest.raises(WaitingNotFound):
        back(message_id, bob)
    with pytest.raises(WaitingNotFound):
        back(message_id + 1, alice)
    assert read_waiting(account_id=bob.pk, limit=10) == []
    assert states() == {bob.login: "waiting"}


def test_who_may_send_as_the_same_address_may_take_it_back(alice: Account, bob: Account) -> None:
    sales = EmailAddress("sales", domain(alice))
    set_alias(address=sales, targets=[EmailAddress.parse(a.login) for a in (alice, bob)], by="test")
    carol = new_account("carol", domain=domain(alice))
    message_id = submit(alice, carol.login, in_sent=True)
    QueuedMessage.objects.update(reverse_path=str(sales).title())  # as a mail client may write it
    with pytest.raises(WaitingNotFound):
        back(message_id, carol)
    assert [each.by for each in read_waiting(account_id=bob.pk, limit=10)] == [alice.login]
    back(message_id, bob)
    assert contents(alice, "Sent") == []
    assert len(contents(bob, "Drafts")) == 1


@pytest.mark.parametrize("is_alias", [False, True])
def test_who_was_lent_a_name_neither_reads_nor_takes_back_what_its_owner_sends(
    is_alias: bool, alice: Account, bob: Account
) -> None:
    """The right to write in a name is none to read: a draft is the whole text, and ids are easily guessed."""
    carol = new_account("carol", domain=domain(alice))
    lent = Mailbox.objects.get(account=alice, name="INBOX")
    Grant.objects.create(mailbox=lent, account=carol, rights="p")
    message_id = submit(alice, bob.login)
    if is_alias:
        sales = EmailAddress("sales", domain(alice))
        set_alias(address=sales, targets=[EmailAddress.parse(alice.login)], by="test")
        QueuedMessage.objects.update(reverse_path=str(sales))
    with pytest.raises(WaitingNotFound):
        back(message_id, carol)
    assert states() == {bob.login: "waiting"}


def test_what_a_borrower_sends_in_a_name_its_owner_takes_back(alice: Account, bob: Account) -> None:
    carol = new_account("carol", domain=domain(alice))
    message_id = submit(carol, bob.login)
    QueuedMessage.objects.update(reverse_path=alice.login)
    back(message_id, alice)
    assert states() == {bob.login: "cancelled"}


def test_where_there_is_no_room_for_another_text_what_stands_in_the_outbox_is_the_draft(
    alice: Account, bob: Account
) -> None:
    message_id = submit(alice, bob.login)
    change_account(account_id=alice.pk, quota_octets=10, by="test")
    assert back(message_id, alice).draft is not None
    assert states() == {bob.login: "cancelled"}
    hidden = f"Bcc: {bob.login}\r\n".encode()
    assert (contents(alice, "Drafts"), contents(alice, "Outbox")) == ([hidden + OCTETS], [])


def test_what_stands_in_no_outbox_is_stopped_without_room_for_a_draft(alice: Account, bob: Account) -> None:
    """As what was queued by a release that had none, and of an account with as many mailboxes as it may have."""
    message_id = submit(alice, bob.login)
    QueuedMessage.objects.update(outbox_mailbox_id=None, outbox_uid=None)
    change_account(account_id=alice.pk, quota_octets=10, by="test")
    assert back(message_id, alice).draft is None
    assert states() == {bob.login: "cancelled"}


def test_what_waits_is_listed_by_when_it_leaves(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, relay=("open@far.test",))
    [each] = read_waiting(account_id=alice.pk, limit=10)
    assert (each.message_id, each.subject, each.recipients, each.release_at, each.by, each.is_held) == (
        message_id, "Hello", 2, RELEASE, "", False,
    )  # fmt: skip
    assert waiting_count(account_id=alice.pk) == 1
    back(message_id, alice)
    assert waiting_count(account_id=alice.pk) == 0


def test_a_release_that_is_under_way_wins(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, in_sent=True)
    released, taken = both(lambda: release_due(now=RELEASE), lambda: back(message_id, alice))
    assert released == 1
    assert isinstance(taken, TooLate)
    assert (states(), contents(alice, "Drafts")) == ({bob.login: "queued"}, [])
    assert len(contents(alice, "Sent")) == 1


def test_taking_back_that_is_under_way_wins(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, in_sent=True)
    taken, released = both(lambda: back(message_id, alice), lambda: release_due(now=RELEASE))
    assert isinstance(taken, TakenBack)
    assert released == 0
    assert states() == {bob.login: "cancelled"}
    work(seconds=20)
    assert inbox(bob) == []


def later(message_id: int) -> None:
    postpone(message_id=message_id, release_at=RELEASE + timedelta(hours=1), by="test", now=NOON)


def test_what_is_being_released_gets_no_other_time(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login)
    released, postponed = both(lambda: release_due(now=RELEASE), lambda: later(message_id))
    assert released == 1
    assert isinstance(postponed, TooLate)
    assert states() == {bob.login: "queued"}
    work(seconds=20)
    assert inbox(bob) == [OCTETS]


def test_what_is_being_put_off_is_not_released_meanwhile(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login)
    postponed, released = both(lambda: later(message_id), lambda: release_due(now=RELEASE))
    assert (postponed, released) == (None, 0)
    work(seconds=20)
    assert inbox(bob) == []
    work(seconds=3_610)
    assert inbox(bob) == [OCTETS]


def test_in_a_race_each_message_is_delivered_or_taken_back_and_never_both(
    alice: Account, bob: Account
) -> None:
    ids = [submit(alice, bob.login, in_sent=True) for _ in range(30)]

    async def scenario() -> None:
        threads = StoreThreads(3, "race")
        takings = [threads.run(back, each, alice) for each in ids]
        releases = [threads.run(release_due, now=RELEASE) for _ in range(5)]
        mixed = [*takings[:10], releases[0], *takings[10:20], *releases[1:], *takings[20:]]
        results = await asyncio.gather(*mixed, return_exceptions=True)
        assert all(isinstance(each, TakenBack | TooLate | int) for each in results), results
        threads.close()

    run(scenario())
    work(seconds=20)
    drafts, delivered = len(contents(alice, "Drafts")), len(inbox(bob))
    assert drafts + delivered == 30
    assert len(contents(alice, "Sent")) == delivered
