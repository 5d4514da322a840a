"""A believable mailbox, for pictures and for seeing that real letters fit on the page."""

from datetime import datetime, timedelta
from pathlib import Path

from mailboxes.models import Account
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import create_mailbox, find_mailbox
from mailboxes.store.values import NO_FLAGS, Flag, NewMessage
from mailhost.protocols.message.composing import Attachment, compose
from mailhost.protocols.message.reading import Correspondent

LETTERS = Path(__file__).with_name("letters.txt")
NEWSLETTER = """From: The Slow Review <letters@slow-review.example.test>\r
To: {to}\r
Subject: Issue 48: The long way round\r
Message-ID: <48@slow-review.example.test>\r
MIME-Version: 1.0\r
Content-Type: text/html; charset=utf-8\r
\r
<html><body style="font-family: Georgia, serif"><table width="100%" cellpadding="0"><tr><td align="center">
<table width="600" style="max-width:600px"><tr><td style="padding:24px">
<h1 style="color:#7a3b12">The long way round</h1>
<p>Dear reader,</p><p>this month we walked from one end of the valley to the other, and asked at every door what people
were reading. <a href="https://slow-review.example.test/48">The whole issue is here.</a></p>
<img src="https://slow-review.example.test/cover.jpg" width="552" alt="The cover: a road between hills">
<script>document.title = "stolen"</script><p onclick="alert(1)">See you in December.</p>
</td></tr></table></td></tr></table></body></html>\r
"""


def fill(account: Account, *, now: datetime) -> None:
    """Puts letters and folders into the account."""
    for name in ("Clients", "Clients/Lisbon", "Clients/Werkplaats", "Receipts", "Travel"):
        create_mailbox(account_id=account.pk, name=name, now=now)
    letters = [_letter(account, text, now=now) for text in LETTERS.read_text().split("====\n")]
    newsletter = NEWSLETTER.format(to=account.login).encode()
    letters.insert(2, NewMessage(prepare(newsletter), NO_FLAGS, (), now - timedelta(minutes=61)))
    letters.reverse()
    for name, some in (("INBOX", letters), ("Receipts", letters[:2]), ("Junk", letters[:2])):
        mailbox = find_mailbox(account_id=account.pk, name=name).mailbox_id
        append(account_id=account.pk, mailbox_id=mailbox, contents=some, now=now)


def _letter(account: Account, text: str, *, now: datetime) -> NewMessage:
    """A letter of letters.txt: `minutes ago | from | subject | flags`, an empty line, the text."""
    head, _, body = text.partition("\n\n")
    minutes, who, subject, marks = head.split(" | ")
    sent_at = now - timedelta(minutes=int(minutes))
    plan = Attachment("Night train, 2 seats.pdf", "application/pdf", b"%PDF-1.4 " + b"x" * 48_000)
    octets = compose(
        from_=Correspondent(who, f"{minutes}@elsewhere.test"),
        to=[Correspondent("Alice Moreau", account.login)],
        subject=subject,
        text=body,
        message_id=f"<{minutes}@elsewhere.test>",
        date=sent_at,
        attachments=[plan] if "file" in marks else [],
    )
    flags = Flag(sum(Flag[mark.upper()] for mark in marks.split() if mark not in ("file", "-")))
    return NewMessage(prepare(octets), flags, (), sent_at)
