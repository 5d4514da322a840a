"""A correction is learned while its author waits, and says what it means for the next message like this one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from delivery.filters import correcting
from delivery.filters.correcting import MAX_AT_ONCE, consequences, put_right
from delivery.findings import Action
from mailboxes.exceptions import MessageNotFound
from mailboxes.junk.classifier import MIN_LESSONS
from mailboxes.junk.learning import learn, learn_from
from mailboxes.models import Account, Lesson, Message
from mailboxes.store import lessons
from mailhost.audit.models import Act
from tests.support.hosting import new_account
from tests.support.judging import NOW, OFFER, SPF, come_in

FRIEND = OFFER.replace(b"watches", b"letters").replace(b"shop.test", b"friends.test")


@pytest.fixture
def alice(db: None) -> Account:
    return new_account("alice")


def train(account: Account) -> None:
    """Just enough of both kinds, so that each lesson more is felt."""
    for octets, is_junk in ((OFFER, True), (FRIEND.replace(b"Only today", b"Dear Alice"), False)):
        ids = [come_in(account, octets % number, SPF) for number in range(100, 100 + MIN_LESSONS)]
        for content_id in ids:
            learn(account_id=account.pk, content_id=content_id, is_junk=is_junk, now=NOW)
        learn_from(ids, now=NOW)


def mailbox_of(content_id: int) -> str:
    return Message.objects.get(content_id=content_id).mailbox.name


def test_junk_is_moved_and_learned_and_the_next_one_goes_to_junk(alice: Account) -> None:
    train(alice)
    new_kind = FRIEND.replace(b"CHEAP letters", b"pills galore").replace(b"Only today", b"Pills galore")
    content_id = come_in(alice, new_kind % 1, SPF)
    found = put_right(account_id=alice.pk, content_id=content_id, is_junk=True, by="alice", now=NOW)
    assert found is not None
    assert found.before is not None
    assert found.after is not None
    assert found.after.score > found.before.score
    assert found.is_learned
    assert mailbox_of(content_id) == "Junk"
    assert Act.objects.filter(verb="message called junk", subject=alice.login).exists()


def test_what_is_wanted_comes_back_to_the_inbox_and_only_from_junk(alice: Account) -> None:
    in_junk, archived = come_in(alice), come_in(alice, OFFER % 2, SPF)
    from mailboxes.store.hierarchy import find_mailbox

    archive = find_mailbox(account_id=alice.pk, name="Archive").mailbox_id
    Message.objects.filter(content_id=archived).update(mailbox_id=archive)
    for content_id in (in_junk, archived):
        put_right(account_id=alice.pk, content_id=content_id, is_junk=False, by="alice", now=NOW)
    assert (mailbox_of(in_junk), mailbox_of(archived)) == ("INBOX", "Archive")
    assert not any(Lesson.objects.filter(scope=alice.pk).values_list("is_junk", flat=True))


def test_a_message_of_somebody_else_cannot_be_put_right(alice: Account) -> None:
    content_id = come_in(new_account("bob"))
    with pytest.raises(MessageNotFound):
        put_right(account_id=alice.pk, content_id=content_id, is_junk=True, by="alice", now=NOW)
    assert not Lesson.objects.filter(content_id=content_id).exists()


def test_where_learning_fails_the_correction_stands(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(correcting, "learn_from", fail)
    content_id = come_in(alice, OFFER % 1, SPF)
    found = put_right(account_id=alice.pk, content_id=content_id, is_junk=True, by="alice", now=NOW)
    assert found is not None
    assert not found.is_learned
    assert mailbox_of(content_id) == "Junk"
    assert Lesson.objects.get(scope=alice.pk, content_id=content_id).is_waiting


def test_what_cannot_be_judged_again_is_put_right_all_the_same(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(correcting, "judge_again", fail)
    content_id = come_in(alice, OFFER % 1, SPF)
    found = put_right(account_id=alice.pk, content_id=content_id, is_junk=True, by="alice", now=NOW)
    assert found is not None
    assert (found.after, found.is_learned) == (None, True)


def noting(account: Account, content_ids: list[int]) -> Callable[[], str]:
    def note() -> str:
        lessons.note(account_id=account.pk, content_ids=content_ids, is_junk=True, now=NOW)
        return "done"

    return note


def test_many_at_once_are_left_to_the_worker(alice: Account) -> None:
    ids = [come_in(alice, OFFER % number, SPF) for number in range(MAX_AT_ONCE + 1)]
    done = consequences(account_id=alice.pk, content_ids=ids, correct=noting(alice, ids), now=NOW)
    assert done == ("done", [])
    assert Lesson.objects.filter(scope=alice.pk, is_waiting=True).count() == len(ids)


def test_a_large_message_is_left_to_the_worker(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correcting, "MAX_OCTETS", 100)
    content_id = come_in(alice, OFFER % 1, SPF)
    assert put_right(account_id=alice.pk, content_id=content_id, is_junk=True, by="alice", now=NOW) is None
    assert mailbox_of(content_id) == "Junk"


def test_a_few_are_said_one_by_one(alice: Account) -> None:
    ids = [come_in(alice, OFFER % 1, SPF), come_in(alice, OFFER % 2)]
    _, found = consequences(account_id=alice.pk, content_ids=ids, correct=noting(alice, ids), now=NOW)
    actions = [each.after.action for each in found if each.after]
    assert actions == [Action.DELIVER, Action.JUNK]
