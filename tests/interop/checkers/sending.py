"""Letters to port 25, and what became of them."""

from delivery.filters.recording import read_verdict
from delivery.findings import Verdict
from mailboxes.models import Account, Message
from tests.conversations.smtp.listening import Doors
from tests.support.transcript import converse


def send(doors: Doors, account: Account, *, text: str = "Hello.", reply: str = "250 2.0.0 …") -> None:
    converse(
        doors.ports.smtp,
        f"S: 220 …\nC: EHLO mx.far.test\nS~ 250 HELP\nC: MAIL FROM:<ann@far.test>\nS: 250 …\n"
        f"C: RCPT TO:<{account.login}>\nS: 250 …\nC: DATA\nS: 354 …\nC: From: Ann <ann@far.test>\nC: To: somebody\n"
        f"C: Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nC:  from  here\nC: Date: Mon, 23 Nov 2026 10:00:00 +0000\n"
        f"C: Message-ID: <1@far.test>\nC: \nC: {text}\nC: ..\nC: .\nS: {reply}\n",
    )


def only(account: Account) -> tuple[bytes, Verdict]:
    """What the account has, wherever it is."""
    [message] = Message.objects.filter(mailbox__account=account).select_related("content")
    verdict = read_verdict(account_id=account.pk, content_id=message.content_id)
    assert verdict is not None
    return bytes(message.content.octets), verdict
