"""Large messages go into the store by COPY: what is stored must be the same as by the statement for all others."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from mailboxes.exceptions import QuotaExceeded
from mailboxes.models import Content, Message
from mailboxes.store import append, append_batch, hierarchy
from mailboxes.store.large_content import LARGE_OCTETS
from mailboxes.store.values import NewMessage
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
WORDY = (
    "Date: Tue, 7 May 1970 10:00:00 +0200\r\nFrom: J\u00fcrgen <j@example.test>\r\nTo: a@example.test\r\n"
    "Subject: Re: \u20ac and \u00fc\r\nMessage-ID: <1@example.test>\r\n"
    "References: <0@example.test> <\u00fc@example.test>\r\n"
    'Content-Type: application/pdf; name="x"\r\n\r\n%PDF \0\r\n'
).encode()
BARE = b"\r\n\0\xff"

pytestmark = pytest.mark.django_db


def stored(messages: Sequence[bytes], *, quota_octets: int = 0) -> list[dict[str, object]]:
    """The rows of the contents, as they were appended together."""
    account = new_account(quota_octets=quota_octets)
    inbox = hierarchy.find_mailbox(account_id=account.pk, name="INBOX")
    contents = [NewMessage(append.prepare(octets)) for octets in messages]
    append.append(account_id=account.pk, mailbox_id=inbox.mailbox_id, contents=contents, now=NOW)
    ids = (
        Message.objects.filter(mailbox_id=inbox.mailbox_id)
        .order_by("uid")
        .values_list("content_id", flat=True)
    )
    rows = []
    for content_id in ids:
        row = Content.objects.filter(pk=content_id).values().get()
        rows.append(
            {name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items() if name != "id"}
        )
    return rows


def test_both_ways_store_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [WORDY, BARE]
    by_statement = stored(messages)
    monkeypatch.setattr(append_batch, "LARGE_OCTETS", 0)
    by_copy = stored(messages)
    assert by_copy == by_statement
    assert by_copy[0]["references"] == ["<0@example.test>", "<\u00fc@example.test>"]
    assert by_copy[0]["octets"] == WORDY


def test_large_and_small_ones_are_appended_together() -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * LARGE_OCTETS
    rows = stored([WORDY, large, BARE, large + b"!"])
    assert [row["octets"] for row in rows] == [WORDY, large, BARE, large + b"!"]


def test_what_is_beyond_the_quota_leaves_nothing_behind() -> None:
    before = Content.objects.count()
    with pytest.raises(QuotaExceeded):
        stored([b"x" * (LARGE_OCTETS + 1)], quota_octets=1_000)
    assert Content.objects.count() == before
