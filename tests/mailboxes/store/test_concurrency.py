"""Real threads on the same mailboxes: no deadlock, counts that are true, UIDs without gaps, views that fit together."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from delivery.acceptance import Acceptance, accept_now
from mailboxes.accounts import remove_account
from mailboxes.exceptions import MailboxFact, MailboxNotFound
from mailboxes.models import Account, AccountUsage, Expunged, Mailbox, Message
from mailboxes.store import append, changes, copy_and_move, expunge, fetch, flags, hierarchy, select
from mailboxes.store.arrivals import Arrival
from mailboxes.store.values import Flag, NewMessage
from tests.support.delivering import place_now
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OCTETS = b"Subject: Greetings\r\n\r\nHello\r\n"
CONTENT = append.prepare(OCTETS)
NAMES = ["INBOX", "Archive", "a", "a/b", "c"]
WRITERS = 7
STEPS = 80
JOIN_SECONDS = 60.0

pytestmark = pytest.mark.usefixtures("shared_db")


@contextmanager
def at_once(*works: Callable[[], None]) -> Iterator[None]:
    """Runs them in threads, started together; what they raise fails the test."""
    failures: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        try:
            start.wait(JOIN_SECONDS)
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(JOIN_SECONDS)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


class Hands:
    """Somebody who does one thing after another in mailboxes that others are at, too."""

    def __init__(self, seed: int, accounts: list[Account]) -> None:
        self.random = random.Random(seed)
        self.accounts = accounts
        self.verbs: list[Callable[[int, int, list[int]], object]] = [
            *(self.append, self.accept, self.deliver, self.store, self.copy, self.move, self.expunge) * 2,
            self.rename,
            self.delete,
            self.create,
            self.subscribe,
        ]

    def work(self) -> None:
        for _ in range(STEPS):
            account = self.random.choice(self.accounts).pk
            verb = self.random.choice(self.verbs)
            try:
                found = hierarchy.find_mailbox(account_id=account, name=self.random.choice(NAMES))
                last = max(found.uid_next, 2)
                uids = [self.random.randrange(1, last) for _ in range(self.random.randrange(1, 9))]
                verb(account, found.mailbox_id, uids)
            except MailboxFact:
                pass  # what another one has done meanwhile

    def other(self, account: int) -> int:
        name = self.random.choice(NAMES)
        return hierarchy.find_mailbox(account_id=account, name=name).mailbox_id

    def append(self, account: int, box: int, uids: list[int]) -> None:
        messages = [NewMessage(CONTENT, Flag(uid % 32), ("work",)) for uid in uids]
        done = append.append(account_id=account, mailbox_id=box, contents=messages, now=NOW)
        assert done.uids == list(range(done.uids[0], done.uids[0] + len(uids)))

    def deliver(self, account: int, box: int, uids: list[int]) -> None:
        everyone = [each.pk for each in self.accounts]
        for delivered in place_now([Arrival(CONTENT, [account]), Arrival(CONTENT, everyone)], now=NOW):
            assert delivered is None or account in delivered.places

    def accept(self, account: int, box: int, uids: list[int]) -> None:
        accepted = accept_now(Acceptance(OCTETS, tuple(each.pk for each in self.accounts)), now=NOW)
        assert set(accepted.uids) == {each.pk for each in self.accounts}

    def store(self, account: int, box: int, uids: list[int]) -> None:
        mode = self.random.choice(["add", "remove", "replace"])
        stored = flags.store_flags(
            mailbox_id=box,
            uids=uids,
            mode=mode,  # type: ignore[arg-type]
            flags=Flag.SEEN | Flag.DELETED,
            keywords=("work",),
            now=NOW,
        )
        assert all(row.modseq == stored.modseq for row in stored.changed)

    def copy(self, account: int, box: int, uids: list[int]) -> None:
        to = self.other(account)
        done = copy_and_move.copy_messages(
            account_id=account, mailbox_id=box, uids=uids, to_mailbox_id=to, now=NOW
        )
        assert len(done.uids) == len(done.source_uids)

    def move(self, account: int, box: int, uids: list[int]) -> None:
        to = self.other(account)
        copy_and_move.move_messages(account_id=account, mailbox_id=box, uids=uids, to_mailbox_id=to, now=NOW)

    def expunge(self, account: int, box: int, uids: list[int]) -> None:
        expunge.expunge(mailbox_id=box, uids=self.random.choice([None, uids]), now=NOW)

    def rename(self, account: int, box: int, uids: list[int]) -> None:
        name, to = self.random.sample(NAMES, 2)
        hierarchy.rename_mailbox(account_id=account, name=name, to=to, now=NOW)

    def delete(self, account: int, box: int, uids: list[int]) -> None:
        hierarchy.delete_mailbox(account_id=account, name=self.random.choice(NAMES), now=NOW)

    def create(self, account: int, box: int, uids: list[int]) -> None:
        hierarchy.create_mailbox(account_id=account, name=self.random.choice(NAMES), now=NOW)

    def subscribe(self, account: int, box: int, uids: list[int]) -> None:
        is_subscribed = bool(uids[0] % 2)
        hierarchy.set_subscribed(
            account_id=account, name=self.random.choice(NAMES), is_subscribed=is_subscribed
        )


def look(account: Account, stop: threading.Event) -> None:
    """A session that follows INBOX and everything else: what it is told always fits together."""
    known: dict[int, tuple[int, int, dict[int, int]]] = {}
    is_over = False
    while not is_over:
        is_over = stop.is_set()  # then once more, and nothing changes any longer
        for entry in hierarchy.list_mailboxes(account_id=account.pk):
            if not entry.exists:
                continue
            box = entry.mailbox_id
            try:
                view = select.load_view(mailbox_id=box)
            except MailboxNotFound:
                continue
            uids = list(view.uids)
            assert uids == sorted(set(uids))
            assert all(uid < view.uid_next for uid in uids)
            assert all(modseq <= view.highest_modseq for modseq in view.modseqs)
            assert len(uids) == len(view.flags) == len(view.modseqs)
            if box not in known:
                known[box] = (view.highest_modseq, view.uid_next, dict(zip(uids, view.flags, strict=True)))
            follow(box, known)
            if is_over:
                assert known[box][2] == dict(zip(uids, view.flags, strict=True))


def follow(box: int, known: dict[int, tuple[int, int, dict[int, int]]]) -> None:
    """Applies the changes since the last look."""
    modseq, uid_next, rows = known[box]
    told = changes.changes_since(mailbox_id=box, modseq=modseq, uid_next=uid_next)
    if told.is_deleted:
        return
    assert told.highest_modseq >= modseq
    assert told.uid_next >= uid_next
    assert all(row.modseq <= told.highest_modseq for row in told.changed)
    assert set(told.vanished) <= set(rows)
    assert not set(told.vanished) & {row.uid for row in told.changed}
    rows = {uid: flag for uid, flag in rows.items() if uid not in set(told.vanished)}
    rows |= {row.uid: row.flags for row in told.changed}
    known[box] = (told.highest_modseq, told.uid_next, rows)
    uids = list(rows)
    assert len(fetch.fetch_rows(mailbox_id=box, uids=uids, columns=("flags",))) == len(uids)  # or the journal


def assert_true(account: Account) -> None:
    """All rows of the account, after everything."""
    rows = list(Message.objects.filter(mailbox__account=account))
    usage = AccountUsage.objects.get(pk=account.pk)
    assert (usage.messages, usage.octets) == (len(rows), sum(row.size_octets for row in rows))
    names = []
    for mailbox in Mailbox.objects.filter(account=account):
        mine = [row for row in rows if row.mailbox_id == mailbox.pk]
        gone = list(Expunged.objects.filter(mailbox_id=mailbox.pk))
        assert mailbox.message_count == len(mine)
        assert mailbox.size_octets == sum(row.size_octets for row in mine)
        assert mailbox.unseen_count == sum(not row.flags & 1 for row in mine)
        assert mailbox.deleted_count == sum(bool(row.flags & 8) for row in mine)
        assert sorted([row.uid for row in (*mine, *gone)]) == list(range(1, mailbox.uid_next))
        assert max((row.modseq for row in (*mine, *gone)), default=0) <= mailbox.highest_modseq
        if mailbox.deleted_at is None:
            names.append(mailbox.name)
        else:
            assert not mine
    assert len(set(names)) == len(names)
    assert "INBOX" in names
    assert not [name for name in names if not name.isprintable()]


def test_many_hands_in_the_same_mailboxes() -> None:
    accounts = [new_account("one"), new_account("two")]
    for account in accounts:
        for name in ("a/b", "c"):
            hierarchy.create_mailbox(account_id=account.pk, name=name, now=NOW)
    stop = threading.Event()
    with at_once(*(lambda account=each: look(account, stop) for each in accounts)):
        try:
            with at_once(*(Hands(seed, accounts).work for seed in range(WRITERS))):
                pass
        finally:
            stop.set()
    for account in accounts:
        assert_true(account)


def test_an_account_goes_while_everybody_is_at_it() -> None:
    going, staying = new_account("going"), new_account("staying")
    mailboxes = list(Mailbox.objects.filter(account=going).values_list("pk", flat=True))
    hands = [Hands(seed, [going, staying]) for seed in range(4)]

    def remove() -> None:
        hands[0].append(going.pk, mailboxes[0], list(range(1, 50)))
        remove_account(account_id=going.pk, by="test")

    with at_once(remove, *(each.work for each in hands)):
        pass
    assert not Message.objects.filter(mailbox_id__in=mailboxes).exists()
    assert not Expunged.objects.filter(mailbox_id__in=mailboxes).exists()
    assert not Mailbox.objects.filter(account_id=going.pk).exists()
    assert_true(staying)
