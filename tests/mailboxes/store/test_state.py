"""Any verbs in any order: the store is always what a plain model says, and whoever applies changes arrives there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from mailboxes.exceptions import MailboxFact, MailboxNotFound
from mailboxes.store import append, changes, copy_and_move, expunge, fetch, flags, hierarchy, select
from mailboxes.store.values import Flag, NewMessage
from mailhost.net.database import cursor
from tests.mailboxes.store.model import Box, Household, Letter, each_once
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTENTS = [append.prepare(b"Subject: %d\r\n\r\n" % number + b"x" * number) for number in range(3)]
NAMES = ["INBOX", "Archive", "Trash", "a", "a/b", "a/b/b", "b", "é/ß"]

owners = st.sampled_from([0, 1])
names = st.sampled_from(NAMES)
uid_lists = st.lists(st.integers(1, 12), max_size=8)
flag_sets = st.integers(0, 31).map(Flag)
keywords = st.lists(st.sampled_from(["$Forwarded", "work", "WORK", "é"]), max_size=3)

COUNTS = """
SELECT (SELECT coalesce(sum(message_count), 0) FROM mailboxes_mailbox WHERE account_id = usage.account_id)
       - usage.messages,
       (SELECT coalesce(sum(size_octets), 0) FROM mailboxes_mailbox WHERE account_id = usage.account_id)
       - usage.octets
  FROM mailboxes_accountusage usage WHERE account_id = ANY(%s::bigint[])
"""
ROWS = """
SELECT message_count, unseen_count, deleted_count, size_octets, uid_next, highest_modseq,
       (SELECT (count(*), count(*) FILTER (WHERE flags & 1 = 0), count(*) FILTER (WHERE flags & 8 <> 0),
                coalesce(sum(size_octets), 0)::bigint, coalesce(max(modseq), 0))::text
          FROM mailboxes_message message WHERE message.mailbox_id = mailbox.id)
  FROM mailboxes_mailbox mailbox WHERE id = %s
"""
Known = dict[int, tuple[int, tuple[str, ...]]]


@dataclass(frozen=True)
class Memory:
    """What a client remembers of a mailbox."""

    modseq: int
    uid_next: int
    known: Known


class AnyOrder(RuleBasedStateMachine):
    """Two accounts, all verbs."""

    def __init__(self) -> None:
        super().__init__()
        accounts = [new_account("one"), new_account("two")]
        self.homes = [
            Household.of(each.pk, hierarchy.list_mailboxes(account_id=each.pk)) for each in accounts
        ]
        self.memories: dict[int, list[Memory]] = {}
        for home in self.homes:
            self.check(home, *home.boxes.values())

    @rule(
        owner=owners,
        name=names,
        numbers=st.lists(st.integers(0, 2), max_size=4),
        flag=flag_sets,
        words=keywords,
    )
    def append(self, owner: int, name: str, numbers: list[int], flag: Flag, words: list[str]) -> None:
        home = self.homes[owner]
        if (box := home.boxes.get(name)) is None:
            return
        messages = [NewMessage(CONTENTS[number], flag, tuple(words)) for number in numbers]
        appended = append.append(
            account_id=home.account_id, mailbox_id=box.mailbox_id, contents=messages, now=NOW
        )
        sizes = [len(CONTENTS[number].octets) for number in numbers]
        assert appended.uids == box.arrive(Letter(flag, each_once(words), size) for size in sizes)
        self.check(home, box)

    @rule(
        owner=owners,
        name=names,
        uids=uid_lists,
        mode=st.sampled_from(["add", "remove", "replace"]),
        flag=flag_sets,
        words=keywords,
    )
    def store(
        self, owner: int, name: str, uids: list[int], mode: flags.Mode, flag: Flag, words: list[str]
    ) -> None:
        home = self.homes[owner]
        if (box := home.boxes.get(name)) is None:
            return
        stored = flags.store_flags(
            mailbox_id=box.mailbox_id, uids=uids, mode=mode, flags=flag, keywords=words, now=NOW
        )
        assert [row.uid for row in stored.changed] == box.store(uids, mode, flag, words)
        for row in stored.changed:
            assert (row.flags, row.keywords) == (box.letters[row.uid].flags, box.letters[row.uid].keywords)
        self.check(home, box)

    @rule(owner=owners, name=names, to=names, uids=uid_lists, is_move=st.booleans())
    def copy_or_move(self, owner: int, name: str, to: str, uids: list[int], is_move: bool) -> None:
        home = self.homes[owner]
        source, target = home.boxes.get(name), home.boxes.get(to)
        if source is None or target is None:
            return
        verb: Callable[..., Any] = copy_and_move.move_messages if is_move else copy_and_move.copy_messages
        done = verb(
            account_id=home.account_id,
            mailbox_id=source.mailbox_id,
            uids=uids,
            to_mailbox_id=target.mailbox_id,
            now=NOW,
        )
        there = source.present(uids)
        letters = source.vanish(there) if is_move else [source.letters[uid] for uid in there]
        assert (done.source_uids, done.uids) == (there, target.arrive(letters))
        self.check(home, source, target)

    @rule(owner=owners, name=names, uids=st.none() | uid_lists, only_deleted=st.booleans())
    def expunge(self, owner: int, name: str, uids: list[int] | None, only_deleted: bool) -> None:
        home = self.homes[owner]
        if (box := home.boxes.get(name)) is None:
            return
        outcome = expunge.expunge(mailbox_id=box.mailbox_id, uids=uids, now=NOW, only_deleted=only_deleted)
        there = box.present(box.letters if uids is None else uids)
        going = [uid for uid in there if not only_deleted or box.letters[uid].flags & Flag.DELETED]
        assert outcome.uids == going
        box.vanish(going)
        self.check(home, box)

    @rule(owner=owners, name=names)
    def create(self, owner: int, name: str) -> None:
        home = self.homes[owner]
        self.both(
            home,
            [name],
            lambda: hierarchy.create_mailbox(account_id=home.account_id, name=name, now=NOW),
            lambda: home.create(name),
        )

    @rule(owner=owners, name=names)
    def delete(self, owner: int, name: str) -> None:
        home = self.homes[owner]
        self.both(
            home,
            [name],
            lambda: hierarchy.delete_mailbox(account_id=home.account_id, name=name, now=NOW),
            lambda: home.delete(name),
        )

    @rule(owner=owners, name=names, to=names)
    def rename(self, owner: int, name: str, to: str) -> None:
        home = self.homes[owner]
        self.both(
            home,
            [name, to],
            lambda: hierarchy.rename_mailbox(account_id=home.account_id, name=name, to=to, now=NOW),
            lambda: home.rename(name, to),
        )

    @rule(owner=owners, name=names, is_subscribed=st.booleans())
    def subscribe(self, owner: int, name: str, is_subscribed: bool) -> None:
        home = self.homes[owner]

        def verb() -> None:
            hierarchy.set_subscribed(account_id=home.account_id, name=name, is_subscribed=is_subscribed)

        self.both(home, [name], verb, lambda: home.subscribe(name, is_subscribed=is_subscribed))

    def both(
        self, home: Household, names: Sequence[str], verb: Callable[[], object], model: Callable[[], object]
    ) -> None:
        """The verb and the model do the same to the names, or state the same fact."""
        facts = []
        for each in (verb, model):
            try:
                each()
                facts.append("")
            except MailboxFact as fact:
                facts.append(type(fact).__name__)
        assert facts[0] == facts[1]
        entries = {each.name: each for each in hierarchy.list_mailboxes(account_id=home.account_id)}
        for name, box in home.boxes.items():
            box.mailbox_id = box.mailbox_id or entries[name].mailbox_id
            assert (entries[name].mailbox_id, entries[name].exists) == (box.mailbox_id, True)
        expected = {name: box.is_subscribed for name, box in home.boxes.items()}
        expected |= dict.fromkeys(home.subscribed_though_gone, True)
        assert {name: entry.is_subscribed for name, entry in entries.items()} == expected
        living = [entry.uid_validity for entry in entries.values() if entry.exists]
        assert len(set(living)) == len(living)
        touched = [home.boxes[each] for each in dict.fromkeys(("INBOX", *names)) if each in home.boxes]
        self.check(home, *touched, *home.deleted[-1:])

    def check(self, home: Household, *boxes: Box) -> None:
        """Everything that must hold of these mailboxes now."""
        with cursor() as sql:
            accounts = [each.account_id for each in self.homes]
            assert set(sql.execute(COUNTS, (accounts,))) == {(0, 0)}
        for box in boxes:
            check_counts(box)
            check_reading(box)
            self.check_changes(box, is_deleted=box in home.deleted)

    def check_changes(self, box: Box, *, is_deleted: bool) -> None:
        """Every client that has ever looked comes to the same view."""
        remembered = self.memories.setdefault(box.mailbox_id, [])
        if is_deleted:
            with pytest.raises(MailboxNotFound):
                select.load_view(mailbox_id=box.mailbox_id)
            for memory in remembered:
                assert changes.changes_since(
                    mailbox_id=box.mailbox_id, modseq=memory.modseq, uid_next=memory.uid_next
                ).is_deleted
            return
        view = select.load_view(mailbox_id=box.mailbox_id)
        now: Known = {
            uid: (flag, view.keywords.get(uid, ())) for uid, flag in zip(view.uids, view.flags, strict=True)
        }
        modseqs = dict(zip(view.uids, view.modseqs, strict=True))
        assert now == {uid: (each.flags, each.keywords) for uid, each in box.letters.items()}
        for memory in remembered:
            told = changes.changes_since(
                mailbox_id=box.mailbox_id, modseq=memory.modseq, uid_next=memory.uid_next
            )
            assert memory.modseq <= told.highest_modseq == view.highest_modseq
            assert memory.uid_next <= told.uid_next == view.uid_next
            assert told.vanished == sorted(set(memory.known) - set(now))
            assert [row.uid for row in told.changed] == sorted(
                uid for uid in now if modseqs[uid] > memory.modseq or uid >= memory.uid_next
            )
            known = {uid: each for uid, each in memory.known.items() if uid not in told.vanished}
            assert known | {row.uid: (row.flags, row.keywords) for row in told.changed} == now
        memory = Memory(view.highest_modseq, view.uid_next, now)
        if memory not in remembered:
            self.memories[box.mailbox_id] = [*remembered[:1], *remembered[-2:], memory]  # one looked long ago


def check_counts(box: Box) -> None:
    """The mailbox's row against its messages; UIDs are never given again."""
    with cursor() as sql:
        row = sql.execute(ROWS, (box.mailbox_id,)).fetchone()
    assert row is not None
    messages, unseen, deleted, octets, uid_next, highest_modseq, rows = row
    *counted, modseq = map(int, rows.strip("()").split(","))
    assert [messages, unseen, deleted, octets] == counted
    assert octets == sum(each.size_octets for each in box.letters.values())
    assert uid_next == box.uid_next
    assert modseq <= highest_modseq


def check_reading(box: Box) -> None:
    """What was expunged is read as what is there."""
    every = box.letters | box.gone
    uids: Sequence[int] = [*sorted(every), *list(every)[:1], box.uid_next]
    rows = fetch.fetch_rows(
        mailbox_id=box.mailbox_id, uids=uids, columns=("flags", "keywords", "size_octets", "digest")
    )
    assert [(uid, flag, tuple(words), size) for uid, flag, words, size, _ in rows] == [
        (uid, every[uid].flags, every[uid].keywords, every[uid].size_octets) for uid in sorted(every)
    ]


def test_whatever_happens_the_store_is_as_the_model(shared_db: None) -> None:
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
