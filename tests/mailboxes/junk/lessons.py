"""Accounts with mail, and what the tables of junk hold of them."""

from datetime import UTC, datetime

from mailboxes.junk.learning import learn, learn_waiting
from mailboxes.junk.tokens import hash_of
from mailboxes.models import JunkCount, JunkTotal, Lesson, Message
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import NewMessage
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)

JUNK_MAIL = (
    b"From: %d@pills.example\r\nSubject: Cheap pills number%d\r\n\r\nBuy cheap pills now, friend%d\r\n"
)
WANTED_MAIL = (
    b"From: %d@work.example\r\nSubject: Minutes number%d\r\n\r\nMinutes of our meeting, colleague%d\r\n"
)


def an_account() -> int:
    return new_account().pk


def mailbox_of(account_id: int, name: str) -> int:
    return find_mailbox(account_id=account_id, name=name).mailbox_id


def put(account_id: int, *messages: bytes, name: str = "INBOX") -> list[int]:
    """Appends them; their UIDs."""
    return append(
        account_id=account_id,
        mailbox_id=mailbox_of(account_id, name),
        contents=[NewMessage(prepare(octets)) for octets in messages],
        now=NOW,
    ).uids


def contents_of(account_id: int, name: str = "INBOX") -> list[int]:
    """In the order of their UIDs."""
    rows = Message.objects.filter(mailbox_id=mailbox_of(account_id, name)).order_by("uid")
    return list(rows.values_list("content_id", flat=True))


def teach(account_id: int, *messages: bytes, is_junk: bool) -> list[int]:
    """Says so of each, and has it learned; their contents."""
    before = len(contents_of(account_id))
    put(account_id, *messages)
    contents = contents_of(account_id)[before:]
    for content_id in contents:
        learn(account_id=account_id, content_id=content_id, is_junk=is_junk, now=NOW)
    learn_all()
    return contents


def train(account_id: int, *, count: int = 10) -> None:
    numbers = range(count)
    teach(account_id, *(JUNK_MAIL % (number, number, number) for number in numbers), is_junk=True)
    teach(account_id, *(WANTED_MAIL % (number, number, number) for number in numbers), is_junk=False)


def learn_all() -> None:
    while learn_waiting(now=NOW):
        pass


def lessons_of(scope: int) -> dict[int, bool]:
    """Whether it is junk, by content."""
    return dict(Lesson.objects.filter(scope=scope).values_list("content_id", "is_junk"))


def verdicts(account_id: int) -> list[bool]:
    """What the account has said, content by content."""
    return [is_junk for _, is_junk in sorted(lessons_of(account_id).items())]


def totals_of(scope: int) -> tuple[int, int]:
    """(junk, wanted)."""
    row = JunkTotal.objects.filter(scope=scope).first()
    return (row.junk, row.wanted) if row else (0, 0)


def counts_of(scope: int) -> dict[int, tuple[int, int]]:
    """(junk, wanted) by the hash of the token."""
    rows = JunkCount.objects.filter(scope=scope).values_list("token", "junk", "wanted")
    return {token: (junk, wanted) for token, junk, wanted in rows}


def count_of(scope: int, token: str) -> tuple[int, int]:
    return counts_of(scope).get(hash_of(token), (0, 0))
