"""What people do with a message is a lesson."""

import pytest
from django.db import transaction

from mailboxes.models import SITE
from mailboxes.store.append import prepare
from mailboxes.store.append_batch import Item, Target, append_batch
from mailboxes.store.copy_and_move import copy_messages, move_messages
from mailboxes.store.flags import store_flags
from mailboxes.store.lessons import MAX_LESSONS_AT_ONCE
from mailboxes.store.values import NO_FLAGS
from tests.mailboxes.junk.lessons import (
    NOW,
    an_account,
    contents_of,
    lessons_of,
    mailbox_of,
    put,
    verdicts,
)

MAIL = b"Subject: x\r\n\r\nword\r\n"


def move(account_id: int, uids: list[int], name: str, to: str) -> list[int]:
    return move_messages(
        account_id=account_id,
        mailbox_id=mailbox_of(account_id, name),
        uids=uids,
        to_mailbox_id=mailbox_of(account_id, to),
        now=NOW,
    ).uids


def test_moving_into_junk_says_junk(db: None) -> None:
    account_id = an_account()
    move(account_id, put(account_id, MAIL, MAIL)[:1], "INBOX", "Junk")
    (content_id,) = contents_of(account_id, "Junk")
    assert lessons_of(account_id) == {content_id: True}
    assert lessons_of(SITE)[content_id] is True


def test_copying_into_junk_says_junk(db: None) -> None:
    account_id = an_account()
    copy_messages(
        account_id=account_id,
        mailbox_id=mailbox_of(account_id, "INBOX"),
        uids=put(account_id, MAIL),
        to_mailbox_id=mailbox_of(account_id, "Junk"),
        now=NOW,
    )
    assert verdicts(account_id) == [True]


def test_appending_to_junk_says_junk(db: None) -> None:
    account_id = an_account()
    put(account_id, MAIL, MAIL, name="Junk")
    assert verdicts(account_id) == [True, True]
    put(account_id, MAIL)
    assert len(verdicts(account_id)) == 2


def test_a_delivery_into_junk_says_nothing(db: None) -> None:
    account_id = an_account()
    target = Target(account_id, mailbox_of(account_id, "Junk"), NO_FLAGS)
    with transaction.atomic():
        append_batch([Item(prepare(MAIL), [target], NOW)], now=NOW)
    assert verdicts(account_id) == []


@pytest.mark.parametrize("name", ["INBOX", "Archive"])
def test_moving_out_of_junk_says_wanted(db: None, name: str) -> None:
    account_id = an_account()
    uids = move(account_id, put(account_id, MAIL), "INBOX", "Junk")
    move(account_id, uids, "Junk", name)
    assert verdicts(account_id) == [False]


def test_throwing_junk_away_does_not_praise_it(db: None) -> None:
    account_id = an_account()
    uids = move(account_id, put(account_id, MAIL), "INBOX", "Junk")
    move(account_id, uids, "Junk", "Trash")
    assert verdicts(account_id) == [True]


def test_moving_elsewhere_says_nothing(db: None) -> None:
    account_id = an_account()
    uids = move(account_id, put(account_id, MAIL), "INBOX", "Archive")
    move(account_id, uids, "Archive", "Trash")
    assert verdicts(account_id) == []


def test_an_act_that_fails_says_nothing(db: None) -> None:
    account_id = an_account()

    def move_and_fail() -> None:
        with transaction.atomic():
            move(account_id, put(account_id, MAIL), "INBOX", "Junk")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        move_and_fail()
    assert verdicts(account_id) == []


def test_of_very_many_messages_at_once_the_newest_are_noted(db: None) -> None:
    account_id = an_account()
    uids = put(account_id, *[MAIL] * (MAX_LESSONS_AT_ONCE + 5))
    move(account_id, uids, "INBOX", "Junk")
    assert set(lessons_of(account_id)) == set(contents_of(account_id, "Junk")[5:])


@pytest.mark.parametrize(("keyword", "wanted"), [("$Junk", [True]), ("$notjunk", [False]), ("Important", [])])
def test_keywords_say_it_as_well(db: None, keyword: str, wanted: list[bool]) -> None:
    account_id = an_account()
    for mode in ("add", "remove"):
        store_flags(
            mailbox_id=mailbox_of(account_id, "INBOX"),
            uids=put(account_id, MAIL) if mode == "add" else [1],
            mode=mode,
            flags=NO_FLAGS,
            keywords=[keyword],
            now=NOW,
        )
    assert verdicts(account_id) == wanted


def test_both_keywords_together_say_nothing(db: None) -> None:
    account_id = an_account()
    store_flags(
        mailbox_id=mailbox_of(account_id, "INBOX"),
        uids=put(account_id, MAIL),
        mode="replace",
        flags=NO_FLAGS,
        keywords=["$Junk", "$NotJunk"],
        now=NOW,
    )
    assert verdicts(account_id) == []
