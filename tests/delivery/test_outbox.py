"""What waits stands in the Outbox: it leaves from there, and whoever takes it out has cancelled it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, QueuedMessage, QueuedRecipient
from delivery.queue import waiting
from delivery.queue.waiting import TooLate, postpone, release_due, send_now, settle_taken_out
from delivery.status import read_status
from delivery.taking_back import find_waiting, read_leaving, read_waiting, take_back, waiting_count
from mailboxes.accounts import change_account, remove_account
from mailboxes.exceptions import QuotaExceeded
from mailboxes.models import Account, AccountUsage, Content, Expunged, Mailbox, Message
from mailboxes.store.append import append, prepare
from mailboxes.store.changes import changes_since
from mailboxes.store.copy_and_move import copy_messages, move_messages
from mailboxes.store.expunge import expunge
from mailboxes.store.flags import store_flags
from mailboxes.store.hierarchy import create_mailbox, delete_mailbox, find_mailbox, rename_mailbox
from mailboxes.store.values import Flag, NewMessage
from mailhost.audit.models import Act
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account
from tests.support.queueing import NOON

RELEASE = NOON + timedelta(seconds=10)
OCTETS = (
    b"From: a@x.test\r\nTo: open@far.test\r\nMessage-ID: <1@x.test>\r\nSubject: Hello\r\n\r\nHow are you?\r\n"
)


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    monkeypatch.setattr("delivery.queue.waiting.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


@pytest.fixture
def alice() -> Account:
    return new_account("alice")


def submit(
    sender: Account, *, in_sent: bool = True, octets: bytes = OCTETS, to: str = "open@far.test"
) -> int:
    accepted = accept_now(
        Acceptance(
            octets,
            relay=(EmailAddress.parse(to),),
            reverse_path=sender.login,
            submitted_by=sender.pk,
            save_in_sent=in_sent,
            release_at=RELEASE,
        ),
        now=NOON,
    )
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def mailbox(account: Account, name: str) -> int:
    return find_mailbox(account_id=account.pk, name=name).mailbox_id


def uids(account: Account, name: str) -> list[int]:
    rows = Message.objects.filter(mailbox__account=account, mailbox__name=name, mailbox__deleted_at=None)
    return list(rows.order_by("uid").values_list("uid", flat=True))


def texts(account: Account, name: str) -> list[bytes]:
    rows = Message.objects.filter(mailbox__account=account, mailbox__name=name).order_by("uid")
    return [bytes(Content.objects.get(pk=each).octets) for each in rows.values_list("content_id", flat=True)]


def states(message_id: int) -> set[str]:
    return set(QueuedRecipient.objects.filter(message_id=message_id).values_list("state", flat=True))


def move_out(account: Account, *, to: str = "Drafts", uid: int | None = None) -> None:
    move_messages(
        account_id=account.pk,
        mailbox_id=mailbox(account, "Outbox"),
        uids=uids(account, "Outbox") if uid is None else [uid],
        to_mailbox_id=mailbox(account, to),
        now=NOON,
    )


def expunge_it(account: Account) -> None:
    store_flags(
        mailbox_id=mailbox(account, "Outbox"),
        uids=uids(account, "Outbox"),
        mode="add",
        flags=Flag.DELETED,
        now=NOON,
    )
    expunge(mailbox_id=mailbox(account, "Outbox"), now=NOON)


def flag_it(account: Account) -> None:
    store_flags(
        mailbox_id=mailbox(account, "Outbox"),
        uids=uids(account, "Outbox"),
        mode="add",
        flags=Flag.DELETED,
        now=NOON,
    )


def move_within(account: Account) -> None:
    """It has another UID then: somebody's own message, as far as anybody can tell."""
    move_out(account, to="Outbox")


def delete_outbox(account: Account) -> None:
    delete_mailbox(account_id=account.pk, name="Outbox", now=NOON)


def counts_are_true(account: Account) -> bool:
    """Each mailbox's counts, and the account's, are what its messages add up to."""
    total = [0, 0]
    for row in Mailbox.objects.filter(account=account):
        messages = list(
            Message.objects.filter(mailbox=row).values_list("uid", "flags", "size_octets", "modseq")
        )
        counted = (
            len(messages),
            sum(not flags & Flag.SEEN for _, flags, _, _ in messages),
            sum(bool(flags & Flag.DELETED) for _, flags, _, _ in messages),
            sum(size for _, _, size, _ in messages),
        )
        assert counted == (row.message_count, row.unseen_count, row.deleted_count, row.size_octets), row.name
        assert all(uid < row.uid_next and modseq <= row.highest_modseq for uid, _, _, modseq in messages)
        total[0] += counted[0]
        total[1] += counted[3]
    usage = AccountUsage.objects.get(account=account)
    return [usage.messages, usage.octets] == total


def test_what_waits_stands_in_the_outbox_read_and_subscribed(alice: Account) -> None:
    message_id = submit(alice)
    row = Message.objects.get(mailbox__account=alice, mailbox__name="Outbox")
    message = QueuedMessage.objects.get(pk=message_id)
    assert (message.outbox_mailbox_id, message.outbox_uid) == (row.mailbox_id, row.uid)
    assert Flag(row.flags) == Flag.SEEN
    assert find_mailbox(account_id=alice.pk, name="Outbox").is_subscribed
    assert uids(alice, "Sent") == []
    assert counts_are_true(alice)
    submit(alice)
    assert Mailbox.objects.filter(account=alice, name="Outbox").count() == 1


def test_what_leaves_at_once_makes_no_outbox_and_asks_for_none(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_query(account_ids: object) -> dict[int, int]:
        raise AssertionError(account_ids)

    monkeypatch.setattr("mailboxes.store.outbox._outboxes", no_query)
    accept_now(
        Acceptance(OCTETS, relay=(EmailAddress("x", "far.test"),), submitted_by=alice.pk, save_in_sent=True),
        now=NOON,
    )
    assert not Mailbox.objects.filter(account=alice, name="Outbox").exists()


@pytest.mark.parametrize(("in_sent", "in_which"), [(True, ["Sent"]), (False, [])])
def test_when_it_leaves_it_goes_to_sent_or_is_gone(
    alice: Account, in_sent: bool, in_which: list[str]
) -> None:
    """Who writes in webmail has it in Sent. A mail client puts a copy of its own there."""
    message_id = submit(alice, in_sent=in_sent)
    outbox = mailbox(alice, "Outbox")
    before = find_mailbox(account_id=alice.pk, name="Outbox")
    assert release_due(now=RELEASE) == 1
    assert states(message_id) == {"queued"}
    names = Message.objects.filter(mailbox__account=alice).values_list("mailbox__name", flat=True)
    assert list(names) == in_which
    assert Expunged.objects.filter(mailbox_id=outbox).count() == 1
    assert counts_are_true(alice)
    changes = changes_since(mailbox_id=outbox, modseq=before.highest_modseq, uid_next=before.uid_next)
    assert changes.vanished == [1]


def test_recipients_that_the_envelope_alone_knows_stand_in_the_outbox_and_not_in_sent(alice: Account) -> None:
    """Who moves it to Drafts goes on with all of it; who reads it in Sent, or passes that on, tells nobody."""
    first, second = (submit(alice, to="secret@far.test") for _ in range(2))
    hidden = b"Bcc: secret@far.test\r\n" + OCTETS
    assert texts(alice, "Outbox") == [hidden, hidden]
    assert counts_are_true(alice)
    move_out(alice, uid=1)
    assert texts(alice, "Drafts") == [hidden]
    assert release_due(now=RELEASE) == 1
    assert (states(first), states(second)) == ({"cancelled"}, {"queued"})
    assert texts(alice, "Sent") == [OCTETS]
    sent = QueuedMessage.objects.get(pk=second)
    assert (bytes(sent.content.octets), sent.size_octets) == (OCTETS, len(OCTETS))
    assert counts_are_true(alice)


def test_without_room_for_what_stands_in_the_outbox_nothing_is_queued(alice: Account) -> None:
    change_account(account_id=alice.pk, quota_octets=len(OCTETS) + 5, by="test")
    with pytest.raises(QuotaExceeded):
        submit(alice, to="secret@far.test")
    assert not QueuedMessage.objects.exists()
    assert uids(alice, "Outbox") == []


def test_many_leave_together_each_from_its_own_outbox(alice: Account) -> None:
    bob = new_account("bob")
    append(
        account_id=bob.pk, mailbox_id=mailbox(bob, "Sent"), contents=[NewMessage(prepare(OCTETS))], now=NOON
    )
    mine, his = (
        [submit(alice, in_sent=number % 2 == 0) for number in range(5)],
        [submit(bob) for _ in range(3)],
    )
    store_flags(
        mailbox_id=mailbox(bob, "Outbox"),
        uids=[2],
        mode="add",
        flags=Flag.FLAGGED,
        keywords=["Urgent"],
        now=NOON,
    )
    move_out(alice, uid=1)
    assert release_due(now=RELEASE) == 7
    assert [states(each) for each in mine] == [{"cancelled"}, *[{"queued"}] * 4]
    assert all(states(each) == {"queued"} for each in his)
    assert (uids(alice, "Outbox"), uids(alice, "Sent"), uids(bob, "Outbox"), uids(bob, "Sent")) == (
        [], [1, 2], [], [1, 2, 3, 4],
    )  # fmt: skip
    flagged = Message.objects.get(mailbox_id=mailbox(bob, "Sent"), uid=3)
    assert (flagged.flags & Flag.FLAGGED, flagged.keywords) == (Flag.FLAGGED, ["Urgent"])
    assert counts_are_true(alice)
    assert counts_are_true(bob)


@pytest.mark.parametrize("take_out", [move_out, expunge_it, flag_it, move_within, delete_outbox])
def test_taken_out_by_any_door_it_is_cancelled_and_nobody_is_told(
    alice: Account, take_out: Callable[[Account], None]
) -> None:
    message_id = submit(alice)
    take_out(alice)
    # Nothing that shows what waits shows it, though the queue has not looked yet.
    assert waiting_count(account_id=alice.pk) == 0
    assert read_waiting(account_id=alice.pk, limit=10) == []
    assert read_leaving(account_id=alice.pk, before=RELEASE, limit=10) == []
    with pytest.raises(TooLate, match="taken out of the Outbox"):
        find_waiting(message_id=message_id, account_id=alice.pk)
    with pytest.raises(TooLate, match="taken out of the Outbox"):
        postpone(message_id=message_id, release_at=RELEASE + timedelta(hours=1), by="test", now=NOON)
    with pytest.raises(TooLate, match="taken out of the Outbox"):
        take_back(message_id=message_id, account_id=alice.pk, by="test", now=NOON)
    assert release_due(now=RELEASE) == 0
    assert states(message_id) == {"cancelled"}
    assert not QueuedRecipient.objects.exclude(report_due="").exists()
    assert uids(alice, "Sent") == []
    status = read_status(account_id=alice.pk, login=alice.login, message_id="<1@x.test>")
    assert status is not None
    assert [(each.state, each.reply) for each in status.recipients] == [("cancelled", waiting.TAKEN_BACK)]
    told = Attempt.objects.filter(queue_id=message_id).values_list("forward_path", "outcome", "reply")
    assert list(told) == [("open@far.test", "cancelled", waiting.TAKEN_BACK)]
    assert (
        Act.objects.filter(actor="outbox", verb="message taken back", subject=f"Q{message_id}").count() == 1
    )
    assert counts_are_true(alice)


def test_what_is_no_longer_marked_deleted_leaves(alice: Account) -> None:
    message_id = submit(alice)
    flag_it(alice)
    store_flags(mailbox_id=mailbox(alice, "Outbox"), uids=[1], mode="remove", flags=Flag.DELETED, now=NOON)
    assert waiting_count(account_id=alice.pk) == 1
    assert release_due(now=RELEASE) == 1
    assert states(message_id) == {"queued"}


def test_what_was_taken_out_is_settled_before_its_time_has_come(alice: Account) -> None:
    ids = [submit(alice) for _ in range(3)]
    move_out(alice, uid=2)
    store_flags(mailbox_id=mailbox(alice, "Outbox"), uids=[3], mode="add", flags=Flag.DELETED, now=NOON)
    assert settle_taken_out(now=NOON) == 1
    assert [states(each) for each in ids] == [{"waiting"}, {"cancelled"}, {"waiting"}]
    assert settle_taken_out(now=NOON) == 0


def test_a_copy_and_what_a_client_puts_there_itself_are_messages_and_never_sent(alice: Account) -> None:
    message_id = submit(alice)
    outbox = mailbox(alice, "Outbox")
    copy_messages(account_id=alice.pk, mailbox_id=outbox, uids=[1], to_mailbox_id=outbox, now=NOON)
    append(account_id=alice.pk, mailbox_id=outbox, contents=[NewMessage(prepare(OCTETS))], now=NOON)
    assert waiting_count(account_id=alice.pk) == 1
    assert release_due(now=RELEASE) == 1
    assert (uids(alice, "Outbox"), uids(alice, "Sent")) == ([2, 3], [1])
    assert QueuedRecipient.objects.count() == 1
    assert states(message_id) == {"queued"}


def test_under_another_name_it_waits_on_and_the_next_one_gets_a_new_outbox(alice: Account) -> None:
    first = submit(alice)
    rename_mailbox(account_id=alice.pk, name="Outbox", to="Elsewhere", now=NOON)
    second = submit(alice)
    assert (uids(alice, "Elsewhere"), uids(alice, "Outbox")) == ([1], [1])
    assert release_due(now=RELEASE) == 2
    assert states(first) == states(second) == {"queued"}
    assert (uids(alice, "Elsewhere"), uids(alice, "Outbox"), uids(alice, "Sent")) == ([], [], [1, 2])


def test_a_deleted_outbox_comes_back_with_the_next_message(alice: Account) -> None:
    first = submit(alice)
    delete_outbox(alice)
    second = submit(alice)
    assert release_due(now=RELEASE) == 1
    assert (states(first), states(second)) == ({"cancelled"}, {"queued"})


def test_one_that_the_account_has_made_itself_is_used(alice: Account) -> None:
    made = create_mailbox(account_id=alice.pk, name="Outbox", now=NOON)
    submit(alice)
    assert QueuedMessage.objects.get().outbox_mailbox_id == made.mailbox_id


def test_an_outbox_that_is_the_mailbox_for_sent_mail_keeps_it(alice: Account) -> None:
    Mailbox.objects.filter(account=alice, name="Sent").update(special_use="", name="Old")
    create_mailbox(account_id=alice.pk, name="Outbox", special_use="\\Sent", now=NOON)
    message_id = submit(alice)
    assert release_due(now=RELEASE) == 1
    assert states(message_id) == {"queued"}
    assert uids(alice, "Outbox") == [1]


def test_without_a_mailbox_for_sent_mail_it_is_gone_when_it_has_left(alice: Account) -> None:
    message_id = submit(alice)
    delete_mailbox(account_id=alice.pk, name="Sent", now=NOON)
    assert release_due(now=RELEASE) == 1
    assert states(message_id) == {"queued"}
    assert uids(alice, "Outbox") == []
    assert counts_are_true(alice)


def test_an_account_with_as_many_mailboxes_as_it_may_have_sends_all_the_same(
    alice: Account, settings: Settings
) -> None:
    settings.MAX_MAILBOXES = 6
    message_id = submit(alice)
    assert QueuedMessage.objects.get().outbox_uid is None
    assert uids(alice, "Sent") == [1]
    assert waiting_count(account_id=alice.pk) == 1
    assert release_due(now=RELEASE) == 1
    assert states(message_id) == {"queued"}
    assert uids(alice, "Sent") == [1]


def test_what_waits_counts_against_the_quota(alice: Account) -> None:
    change_account(account_id=alice.pk, quota_octets=len(OCTETS) + 10, by="test")
    submit(alice)
    with pytest.raises(QuotaExceeded):
        submit(alice)
    assert QueuedMessage.objects.count() == 1


def test_what_an_account_left_behind_is_not_sent(alice: Account) -> None:
    message_id = submit(alice)
    remove_account(account_id=alice.pk, by="test")
    assert release_due(now=RELEASE) == 0
    assert states(message_id) == {"cancelled"}


def test_it_can_leave_now(alice: Account) -> None:
    message_id = submit(alice)
    send_now(message_id=message_id, by="test", now=NOON)
    assert release_due(now=NOON) == 1
    assert states(message_id) == {"queued"}
    with pytest.raises(TooLate, match="on its way"):
        send_now(message_id=message_id, by="test", now=NOON)
    assert Act.objects.filter(verb="message sent now", subject=f"Q{message_id}").count() == 1
