"""Mail for tests of webmail."""

from datetime import UTC, datetime

from mailboxes.models import Account
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import NO_FLAGS, Flag, NewMessage

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

LETTER = b"""From: Bob <bob@elsewhere.test>\r
To: alice@example.test\r
Subject: Hello\r
Message-ID: <hello@elsewhere.test>\r
Date: Wed, 04 Mar 2026 11:00:00 +0000\r
\r
How are you?\r
"""


def deliver(
    account: Account, octets: bytes = LETTER, *, mailbox: str = "INBOX", flags: Flag = NO_FLAGS
) -> int:
    """Puts a message into the account's mailbox; its UID."""
    message = NewMessage(prepare(octets), flags)
    appended = append(
        account_id=account.pk, mailbox_id=mailbox_id(account, mailbox), contents=[message], now=NOW
    )
    return appended.uids[0]


def mailbox_id(account: Account, name: str = "INBOX") -> int:
    """The id that stands in a mailbox's address."""
    return find_mailbox(account_id=account.pk, name=name).mailbox_id
