"""SORT and THREAD in the store, where a message goes for good while they run."""

from collections.abc import Sequence

import pytest
from django.utils import timezone

from mailboxes.store import sort as sorting
from mailboxes.store import thread as threading
from mailboxes.store.append import append, prepare
from mailboxes.store.expunge import expunge
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.search import search
from mailboxes.store.values import Flag, NewMessage
from mailhost.protocols.imap.search_keys import Everything
from mailhost.protocols.imap.sorting import Algorithm, Criterion, SortKey
from tests.support.hosting import new_account


@pytest.fixture
def mailbox_id(shared_db: None) -> int:
    """Three messages of one thread; the second is \\Deleted."""
    account_id = new_account().pk
    mailbox_id = find_mailbox(account_id=account_id, name="INBOX").mailbox_id
    messages = [
        NewMessage(
            prepare(
                f"From: {name} <x@x>\r\nMessage-ID: <{name}@x>\r\nReferences: {references}\r\n\r\n".encode()
            ),
            Flag.DELETED if name == "b" else Flag(0),
        )
        for name, references in [("a", ""), ("b", "<a@x>"), ("c", "<a@x> <b@x>")]
    ]
    append(account_id=account_id, mailbox_id=mailbox_id, contents=messages, now=timezone.now())
    return mailbox_id


def lose_the_second(mailbox_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes once the search has found it."""
    found = search(mailbox_id=mailbox_id, key=Everything())

    def search_then_lose(**_: object) -> Sequence[int]:
        expunge(mailbox_id=mailbox_id, now=timezone.now())
        return found

    monkeypatch.setattr(sorting, "search", search_then_lose)
    monkeypatch.setattr(threading, "search", search_then_lose)


@pytest.mark.parametrize("key", [SortKey.SIZE, SortKey.SUBJECT, SortKey.DISPLAYFROM])
def test_sort_leaves_out_what_is_gone(mailbox_id: int, monkeypatch: pytest.MonkeyPatch, key: SortKey) -> None:
    lose_the_second(mailbox_id, monkeypatch)
    criteria = [Criterion(key), Criterion(SortKey.ARRIVAL)]
    assert sorted(sorting.sort(mailbox_id=mailbox_id, key=Everything(), criteria=criteria)) == [1, 3]


def test_thread_leaves_out_what_is_gone(mailbox_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = threading.thread(mailbox_id=mailbox_id, key=Everything(), algorithm=Algorithm.REFERENCES)
    assert (whole.uids, whole.children, whole.top) == ([1, 2, 3], [[1], [2], []], [0])
    lose_the_second(mailbox_id, monkeypatch)
    forest = threading.thread(mailbox_id=mailbox_id, key=Everything(), algorithm=Algorithm.REFERENCES)
    assert forest.uids[:2] == [1, 3]
    assert (forest.top, forest.children[0]) == ([0], [1])
