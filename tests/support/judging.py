"""Mail that was judged, as port 25 leaves it behind: with a verdict, in a mailbox or in quarantine."""

from collections.abc import Sequence
from datetime import UTC, datetime

from delivery.acceptance import Acceptance, accept_now
from delivery.filters.policies import Place
from delivery.filters.recording import Judged
from delivery.findings import Action, Finding, Thresholds, judge
from delivery.models import Quarantined
from mailboxes.models import Account
from mailboxes.store.hierarchy import find_mailbox

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
THRESHOLDS = Thresholds(junk=5)
SPF = Finding("spf", "fail", "192.0.2.1 may not send for shop.test.", 2.5)
SHOUTING = Finding("subject", "shouting", "The subject is in capitals.", 3.0)
SIGNED = Finding("dkim", "pass", "The signature of shop.test holds.", 0.0)
HELD = Finding("attachment", "dangerous", "The attachment invoice.exe is a program.", 6.0, Action.QUARANTINE)
JUNK = (SIGNED, SPF, SHOUTING)

OFFER = b"""From: Shop <offers@shop.test>\r
To: alice@example.test\r
Subject: CHEAP WATCHES\r
Message-ID: <%d@shop.test>\r
Date: Wed, 04 Mar 2026 11:00:00 +0000\r
\r
Only today, only here.\r
"""


def come_in(
    account: Account,
    octets: bytes = OFFER % 1,
    *findings: Finding,
    trace_id: str = "trace1",
    now: datetime = NOW,
) -> int:
    """Takes a message for the account as these findings judge it (JUNK without any); its content's id."""
    verdict = judge(findings or JUNK, THRESHOLDS)
    junk = Place(find_mailbox(account_id=account.pk, name="Junk").mailbox_id, "Junk")
    judged = Judged(
        account.pk, verdict, trace_id, "192.0.2.1", "bounces@shop.test", junk if verdict.is_junk else None
    )
    return accept_now(Acceptance(octets, judged=(judged,)), now=now).content_id


def hold(account: Account, octets: bytes = OFFER % 1, *more: Finding, now: datetime = NOW) -> Quarantined:
    """Takes a message into the account's quarantine."""
    content_id = come_in(account, octets, HELD, *more, now=now)
    return Quarantined.objects.get(account=account, content_id=content_id)


def hold_many(account: Account, count: int, *, now: datetime = NOW) -> Sequence[Quarantined]:
    """So many different ones, the newest last."""
    return [hold(account, OFFER % number, now=now) for number in range(1, count + 1)]
