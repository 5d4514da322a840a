"""The Outbox while several are at it, and where somebody is killed: each message leaves once or is kept."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from delivery.queue import waiting
from delivery.queue.waiting import TooLate, release_due, settle_taken_out
from delivery.taking_back import read_waiting, take_back
from mailboxes.models import Account
from mailboxes.store.copy_and_move import copy_messages, move_messages
from mailboxes.store.expunge import expunge
from mailboxes.store.flags import Mode, store_flags
from mailboxes.store.hierarchy import rename_mailbox
from mailboxes.store.values import Flag
from mailhost.net.store_threads import StoreThreads
from tests.delivery.test_outbox import (
    RELEASE,
    alice,
    counts_are_true,
    delete_outbox,
    empty_queue,
    expunge_it,
    flag_it,
    mailbox,
    move_out,
    states,
    submit,
    uids,
)
from tests.support.hosting import new_account
from tests.support.queueing import NOON
from tests.support.racing import both
from tests.support.running import run

__all__ = ["alice", "empty_queue"]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["lock_living", "standing", "let_leave", "note_recipients", "_release"])
@pytest.mark.parametrize("is_after", [False, True])
def test_killed_at_any_step_it_waits_on_whole_and_leaves_once(
    alice: Account, monkeypatch: pytest.MonkeyPatch, step: str, is_after: bool
) -> None:
    message_id = submit(alice)
    todo = getattr(waiting, step)

    def killed(*given: object, **named: object) -> None:
        if is_after:
            todo(*given, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(waiting, step, killed)
        with pytest.raises(Killed):
            release_due(now=RELEASE)
    assert (uids(alice, "Outbox"), uids(alice, "Sent"), states(message_id)) == ([1], [], {"waiting"})
    assert release_due(now=RELEASE) == 1
    assert (uids(alice, "Outbox"), uids(alice, "Sent"), states(message_id)) == ([], [1], {"queued"})
    assert release_due(now=RELEASE) == 0
    assert counts_are_true(alice)


def test_a_release_that_is_under_way_finds_it_and_a_move_comes_too_late(alice: Account) -> None:
    message_id = submit(alice)
    released, _ = both(lambda: release_due(now=RELEASE), lambda: move_out(alice, uid=1))
    assert released == 1
    assert (states(message_id), uids(alice, "Sent"), uids(alice, "Drafts")) == ({"queued"}, [1], [])


@pytest.mark.parametrize("take_out", [move_out, expunge_it, flag_it, delete_outbox])
def test_a_release_waits_for_whoever_is_taking_it_out(
    alice: Account, take_out: Callable[[Account], None]
) -> None:
    message_id = submit(alice)
    _, released = both(lambda: take_out(alice), lambda: release_due(now=RELEASE))
    assert released == 0
    assert (states(message_id), uids(alice, "Sent")) == ({"cancelled"}, [])


def test_a_client_that_moves_it_back_while_it_is_taken_back_finds_it_gone(alice: Account) -> None:
    message_id = submit(alice)
    both(
        lambda: take_back(message_id=message_id, account_id=alice.pk, by="test", now=NOON),
        lambda: move_out(alice, uid=1),
    )
    assert (states(message_id), uids(alice, "Outbox"), uids(alice, "Drafts")) == ({"cancelled"}, [], [1])


def test_in_a_race_of_moves_releases_and_takings_each_leaves_or_is_kept_and_never_both(
    alice: Account,
) -> None:
    ids = {submit(alice): uid for uid in range(1, 31)}

    async def scenario() -> None:
        threads = StoreThreads(4, "race")
        takings = [
            threads.run(take_back, message_id=each, account_id=alice.pk, by="test", now=NOON)
            for each in list(ids)[::3]
        ]
        moves = [threads.run(move_out, alice, uid=uid) for uid in list(ids.values())[1::3]]
        releases = [threads.run(release_due, now=RELEASE) for _ in range(4)]
        mixed = [*takings[:4], *moves[:4], releases[0], *takings[4:], *releases[1:], *moves[4:]]
        results = await asyncio.gather(*mixed, return_exceptions=True)
        assert all(
            each is None or not isinstance(each, Exception | str) or isinstance(each, TooLate)
            for each in results
        ), results
        threads.close()

    run(scenario())
    release_due(now=RELEASE)
    ended = [states(each) for each in ids]
    assert all(each in ({"queued"}, {"cancelled"}) for each in ended)
    assert ended.count({"queued"}) == len(uids(alice, "Sent")) >= 10
    assert ended.count({"cancelled"}) == len(uids(alice, "Drafts"))
    assert uids(alice, "Outbox") == []
    assert counts_are_true(alice)


DOINGS = st.lists(
    st.tuples(
        st.sampled_from(["move", "copy", "mark", "unmark", "expunge", "rename", "back", "release", "settle"]),
        st.integers(1, 4),
    ),
    max_size=8,
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(doings=DOINGS)
def test_whatever_is_done_only_what_stands_there_unmarked_leaves(doings: list[tuple[str, int]]) -> None:
    """Against a model of which of four messages stand in the Outbox, and which are marked \\Deleted."""
    alice = new_account("alice")
    ids = {submit(alice): uid for uid in range(1, 5)}
    box, drafts = mailbox(alice, "Outbox"), mailbox(alice, "Drafts")
    there, marked, sent = set(ids.values()), set[int](), set[int]()
    names = itertools.cycle(["Elsewhere", "Outbox"])
    name = "Outbox"
    for doing, uid in doings:
        match doing:
            case "move":
                move_messages(account_id=alice.pk, mailbox_id=box, uids=[uid], to_mailbox_id=drafts, now=NOON)
                there.discard(uid)
            case "copy":
                copy_messages(account_id=alice.pk, mailbox_id=box, uids=[uid], to_mailbox_id=box, now=NOON)
            case "mark" | "unmark":
                mode: Mode = "add" if doing == "mark" else "remove"
                store_flags(mailbox_id=box, uids=[uid], mode=mode, flags=Flag.DELETED, now=NOON)
                marked = marked | {uid} if doing == "mark" else marked - {uid}
            case "expunge":
                expunge(mailbox_id=box, now=NOON)
                there -= marked
            case "rename":
                new = next(names)
                rename_mailbox(account_id=alice.pk, name=name, to=new, now=NOON)
                name = new
            case "back":
                message_id = next(each for each, its in ids.items() if its == uid)
                with contextlib.suppress(TooLate):
                    take_back(message_id=message_id, account_id=alice.pk, by="test", now=NOON)
                there -= {uid} - marked
            case "settle":
                settle_taken_out(now=NOON)
            case "release":
                release_due(now=RELEASE)
                sent |= there - marked
                there = set()
        waiting_now = {each for each, uid in ids.items() if uid in there - marked}
        assert {each.message_id for each in read_waiting(account_id=alice.pk, limit=10)} == waiting_now
    release_due(now=RELEASE)
    sent |= there - marked
    assert {uid for message_id, uid in ids.items() if states(message_id) == {"queued"}} == sent
    assert all(states(message_id) in ({"queued"}, {"cancelled"}) for message_id in ids)
    assert counts_are_true(alice)
