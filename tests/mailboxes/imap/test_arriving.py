"""APPENDs of many sessions at once share commits, and none loses anything by it."""

import asyncio
from datetime import UTC, datetime

import pytest

from mailboxes.imap.arriving import Arriving
from mailboxes.models import Account, Message
from mailboxes.store.append import prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import Appended, Flag, NewMessage
from tests.support.hosting import new_account

pytestmark = pytest.mark.usefixtures("shared_db")

LETTER = prepare(b"Subject: draft\r\n\r\nLater.\r\n")
LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
NAMES = ("INBOX", "inbox", "Drafts", "No such mailbox", "Other Users/somebody@example.test/INBOX")


async def append_all(account: Account, count: int) -> list[Appended | None]:
    arriving = Arriving()
    try:
        asked = [
            arriving.append(
                account_id=account.pk,
                name=NAMES[number % len(NAMES)],
                message=NewMessage(LETTER, Flag.SEEN, (f"n{number}",), LONG_AGO),
            )
            for number in range(count)
        ]
        return await asyncio.gather(*asked)
    finally:
        await arriving.close()


def test_what_is_asked_at_once_arrives_once() -> None:
    account = new_account()
    placed = asyncio.run(append_all(account, 25))
    inbox, drafts = (find_mailbox(account_id=account.pk, name=name) for name in ("INBOX", "Drafts"))
    told = {
        (number, found.uid_validity, found.uids[0])
        for number, found in enumerate(placed)
        if found is not None
    }
    assert {number % len(NAMES) for number, _, _ in told} == {0, 1, 2}
    there = {
        (int(row.keywords[0][1:]), entry.uid_validity, row.uid)
        for entry in (inbox, drafts)
        for row in Message.objects.filter(mailbox_id=entry.mailbox_id, internal_date=LONG_AGO)
    }
    assert told == there
    assert (inbox.message_count, drafts.message_count, inbox.unseen_count) == (10, 5, 0)
