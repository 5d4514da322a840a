"""The journal of what was expunged (RFC 7162): what it can say, and how it ends; conditional changes of flags."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from mailboxes.models import Account, Expunged
from mailboxes.store import append, changes, content, expunge, flags, hierarchy
from mailboxes.store.values import Flag, NewMessage
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return new_account()


@pytest.fixture
def mailbox(account: Account) -> int:
    """An INBOX of ten messages, added at mod-sequence 2."""
    mailbox_id = hierarchy.find_mailbox(account_id=account.pk, name="INBOX").mailbox_id
    messages = [NewMessage(append.prepare(b"Subject: x\r\n\r\n")) for _ in range(10)]
    append.append(account_id=account.pk, mailbox_id=mailbox_id, contents=messages, now=NOW)
    return mailbox_id


def remove(mailbox: int, *uids: int, now: datetime = NOW) -> int:
    return expunge.expunge(mailbox_id=mailbox, uids=uids, now=now, only_deleted=False).modseq


def vanished(mailbox: int, modseq: int, up_to: int = 99) -> list[tuple[int, int]] | None:
    return changes.vanished_between(mailbox_id=mailbox, modseq=modseq, up_to=up_to)


def test_neighbours_are_one_range_and_the_ends_are_kept_to(mailbox: int) -> None:
    first, second = remove(mailbox, 2, 3, 5), remove(mailbox, 4, 9)
    assert vanished(mailbox, first - 1) == [(2, 5), (9, 9)]
    assert vanished(mailbox, first) == [(4, 4), (9, 9)]
    assert vanished(mailbox, first - 1, up_to=first) == [(2, 3), (5, 5)]
    assert vanished(mailbox, second) == []


def test_a_mailbox_that_nothing_left_lacks_nothing(mailbox: int) -> None:
    assert vanished(mailbox, 1) == []


def test_what_the_journal_has_lost_it_does_not_know(mailbox: int) -> None:
    first = remove(mailbox, 1)
    second = remove(mailbox, 2, now=NOW + timedelta(days=1))
    later = NOW + timedelta(seconds=settings.EXPUNGED_RETENTION_SECONDS, hours=1)
    assert content.remove_expired(now=later) == 1
    assert vanished(mailbox, first - 1) is None
    assert vanished(mailbox, first) == [(2, 2)]
    assert content.remove_expired(now=later + timedelta(days=1)) == 1
    assert vanished(mailbox, first) is None
    assert vanished(mailbox, second) == []


def test_the_journal_has_no_gaps_whatever_the_clocks_said(mailbox: int) -> None:
    remove(mailbox, 1, now=NOW + timedelta(hours=2))
    remove(mailbox, 2, now=NOW)  # the clock of another host, or one that waited for the lock
    limit = NOW + timedelta(seconds=settings.EXPUNGED_RETENTION_SECONDS)
    assert content.remove_expired(now=limit + timedelta(hours=1)) == 0
    assert content.remove_expired(now=limit + timedelta(hours=3)) == 2
    assert not Expunged.objects.filter(mailbox_id=mailbox).exists()


def test_a_conditional_change_leaves_alone_what_is_newer_and_names_what_is_gone(mailbox: int) -> None:
    changed = flags.store_flags(mailbox_id=mailbox, uids=[2], mode="add", flags=Flag.SEEN, now=NOW).modseq
    remove(mailbox, 3)
    stored = flags.store_flags(
        mailbox_id=mailbox,
        uids=[1, 2, 3, 4],
        mode="add",
        flags=Flag.FLAGGED,
        unchanged_since=changed - 1,
        now=NOW,
    )
    assert [row.uid for row in stored.changed] == [1, 4]
    assert (stored.newer, stored.missing) == ([2], [3])
    again = flags.store_flags(
        mailbox_id=mailbox, uids=[1, 2], mode="add", flags=Flag.FLAGGED, unchanged_since=0, now=NOW
    )
    assert (list(again.changed), again.newer) == ([], [1, 2])
