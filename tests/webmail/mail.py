"""Mail for tests of webmail."""

from datetime import UTC, datetime

from delivery.acceptance import Acceptance, accept_now
from delivery.filters.policies import Place
from delivery.filters.recording import Judged
from delivery.findings import Action, Finding, Thresholds, judge
from delivery.models import Quarantined
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


def deliver_judged(account: Account, octets: bytes = LETTER, *findings: Finding, junk_from: float = 5) -> int:
    """A message comes in with these findings; its content's id."""
    verdict = judge(findings, Thresholds(junk=junk_from, refuse=15))
    judged = Judged(
        account.pk,
        verdict,
        trace_id="T1",
        peer="192.0.2.1",
        reverse_path="bob@elsewhere.test",
        place=Place(mailbox_id(account, "Junk"), "Junk") if verdict.is_junk else None,
    )
    return accept_now(Acceptance(octets, judged=(judged,)), now=NOW).content_id


def hold(account: Account, octets: bytes = LETTER, *, now: datetime = NOW) -> int:
    """A message comes in that is held back; the id of the row that holds it."""
    finding = Finding("parts", "bad", "It carries a program.", 3.0, at_least=Action.QUARANTINE)
    judged = Judged(account.pk, judge([finding], Thresholds(junk=5)), "T1", "192.0.2.1", "bob@elsewhere.test")
    content_id = accept_now(Acceptance(octets, judged=(judged,)), now=now).content_id
    return Quarantined.objects.get(account=account, content_id=content_id).pk
