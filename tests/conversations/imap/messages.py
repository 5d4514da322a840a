"""Messages for conversations, put into the store directly."""

from datetime import UTC, datetime

from django.utils import timezone

from mailboxes.models import Account
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import NO_FLAGS, Flag, NewMessage


def put_message(
    login: str,
    octets: bytes | str,
    *,
    name: str = "INBOX",
    flags: Flag = NO_FLAGS,
    keywords: tuple[str, ...] = (),
    internal_date: datetime = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
) -> int:
    """Octets, or the subject of a small message."""
    if isinstance(octets, str):
        octets = simple(octets)
    account_id = Account.objects.get(login=login).pk
    mailbox = find_mailbox(account_id=account_id, name=name)
    message = NewMessage(prepare(octets), flags, keywords, internal_date)
    appended = append(
        account_id=account_id, mailbox_id=mailbox.mailbox_id, contents=[message], now=timezone.now()
    )
    return appended.uids[0]


def simple(subject: str, *, text: str = "Hello.\r\n") -> bytes:
    return (
        f"Date: Mon, 6 May 2024 09:00:00 +0200\r\nFrom: Bob <bob@example.test>\r\nTo: alice@example.test\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{abs(hash(subject))}@example.test>\r\n\r\n{text}"
    ).encode()


MULTIPART = b"""\
Date: Tue, 7 May 2024 10:00:00 +0000\r
From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.test>\r
To: alice@example.test\r
Subject: Parts\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="outer"\r
\r
preamble\r
--outer\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
R3LDvMOfZQ==\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: Inner\r
From: carol@example.test\r
Content-Type: multipart/alternative; boundary="inner"\r
\r
--inner\r
Content-Type: text/plain\r
\r
plain\r
--inner\r
Content-Type: text/html\r
\r
<p>html</p>\r
--inner--\r
--outer--\r
"""
