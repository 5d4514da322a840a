"""Contents that only the queue refers to."""

import pytest
from pytest_django import Settings

from mailboxes.exceptions import MessageTooLarge
from mailboxes.models import Content
from mailboxes.store import append_batch as batches
from mailboxes.store import kept_content
from mailboxes.store.append import prepare
from mailboxes.store.append_batch import Item, append_batch
from mailboxes.store.content_rows import GIVEN_CONTENTS
from tests.support.queueing import NOON

pytestmark = pytest.mark.django_db


def item(octets: bytes, *, keeps: bool = True) -> Item:
    return Item(prepare(octets), [], NOON, keep_content=keeps)


@pytest.mark.parametrize("large_octets", [20, 1_000_000])
def test_each_message_without_a_mailbox_finds_its_own_content(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, large_octets: int
) -> None:
    monkeypatch.setattr(batches, "LARGE_OCTETS", large_octets)
    settings.MAX_MESSAGE_OCTETS = 40
    texts = [
        b"Subject: 1\r\n\r\none\r\n",
        b"Subject: 2\r\n\r\n" + b"x" * 40,
        b"Subject: 3\r\n\r\nthree, longer\r\n",
    ]
    items = [item(text) for text in texts]
    items.append(item(b"Subject: 4\r\n\r\nnobody's\r\n", keeps=False))
    assert append_batch(items, now=NOON) == {}
    first, too_large, third, nobodys = items
    assert isinstance(too_large.failure, MessageTooLarge)
    assert too_large.content_id == nobodys.content_id == 0
    kept = {each.pk: (bytes(each.octets), each.subject) for each in Content.objects.all()}
    assert kept == {first.content_id: (texts[0], "1"), third.content_id: (texts[2], "3")}


def test_contents_are_told_apart_in_whatever_order_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    backwards = f"(SELECT * FROM {GIVEN_CONTENTS} ORDER BY id DESC) backwards"
    statement = kept_content.KEEP.replace(GIVEN_CONTENTS.encode(), backwards.encode())
    assert statement != kept_content.KEEP
    monkeypatch.setattr(kept_content, "KEEP", statement)
    texts = [b"Subject: %d\r\n\r\nyours alone\r\n" % (number % 4) for number in range(6)]  # two came twice
    items = [item(text) for text in texts]
    append_batch(items, now=NOON)
    kept = {each.pk: bytes(each.octets) for each in Content.objects.all()}
    assert [kept[each.content_id] for each in items] == texts
    assert len(kept) == len(texts)
