"""Reads the bounces and complaints that came in, out of the mailboxes' contents, each once; they stay where they are.

The door does no more than to say which messages may be some (filters/returned_rule.py).
"""

from datetime import datetime
from typing import Final

import structlog

from delivery.filters.returned_rule import CHECK, COMPLAINT
from delivery.models import RecordedVerdict, ReturnedKind, ReturnReading
from delivery.returned import note_returned
from delivery.returns.addresses import proven_recipient
from delivery.returns.matching import Bounced, match_complaint, match_notice
from delivery.returns.vouching import NOBODY, Author, author_of
from mailhost.net.database import cursor
from mailhost.protocols.arf import FeedbackReport, read_feedback
from mailhost.protocols.bounce_causes import Cause, find_cause, said_cause
from mailhost.protocols.dsn_reading import Notice, ReadRecipient, read_notice
from mailhost.protocols.report_fields import MAX_OCTETS

log = structlog.get_logger(__name__)

VERDICTS_AT_ONCE: Final = 5_000
NOTICES_AT_ONCE: Final = 500

READ_CONTENT: Final = b"SELECT substring(octets FROM 1 FOR %s) FROM mailboxes_content WHERE id = %s"


def read_returned(*, now: datetime) -> int:
    """Reads what came since the last round; how many things were noted. Any number of callers at once: each is noted
    once.

    Each in a transaction of its own. Several together would lock the rows of suppression lists in the order of the
    notices, and what bounces meanwhile locks them in theirs (suppression_learning.py).
    """
    place, _ = ReturnReading.objects.get_or_create(pk=1)
    newer = RecordedVerdict.objects.filter(pk__gt=place.last_verdict_id).order_by("pk")
    ids = newer.values_list("pk", flat=True)
    end = ids[VERDICTS_AT_ONCE - 1 : VERDICTS_AT_ONCE].first() or ids.last()
    if end is None:
        return 0
    telling = list(newer.filter(pk__lte=end, findings__contains=[{"check": CHECK}])[: NOTICES_AT_ONCE + 1])
    if len(telling) > NOTICES_AT_ONCE:
        telling.pop()
        end = telling[-1].pk
    count = sum(_read(verdict, now) for verdict in telling)
    ReturnReading.objects.filter(pk=1, last_verdict_id__lt=end).update(last_verdict_id=end)
    return count


def _read(verdict: RecordedVerdict, now: datetime) -> int:
    with cursor() as sql:
        row = sql.execute(READ_CONTENT, (MAX_OCTETS, verdict.content_id)).fetchone()
    if row is None:
        return 0
    octets = bytes(row[0])
    results = {each["check"]: each["result"] for each in verdict.findings}
    is_authentic = results.get("dmarc") == "pass"
    author = author_of(octets) if is_authentic else NOBODY
    if results[CHECK] == COMPLAINT:
        report = read_feedback(octets)
        return note_complaint(report, is_authentic=is_authentic, author=author, now=now) if report else 0
    if verdict.reverse_path:
        return 0  # RFC 3464 section 2: a notice has the null reverse-path
    notice = read_notice(octets)
    return note_notice(notice, account_id=verdict.account_id, author=author, now=now) if notice else 0


def note_notice(notice: Notice, *, account_id: int, author: Author, now: datetime) -> int:
    """Notes what a notice to this account says has failed; how much of it is of ours, and news."""
    reporter = notice.reporting_host
    proven = proven_recipient([notice.quoted.return_path], now=now)
    if proven is not None and len(notice.failed) == 1:
        matched = [Bounced(proven.recipient_id, notice.failed[0])]
    else:
        proven, matched = None, match_notice(notice, account_id=account_id)
    return sum(
        note_bounce(
            each.recipient_id,
            each.said,
            reporter=reporter,
            is_proven=proven is not None,
            is_vouched_for=proven is None and author.vouches_for_bounce(each.recipient_id),
            now=now,
        )
        for each in matched
    )


def note_bounce(
    recipient_id: int,
    said: ReadRecipient,
    *,
    reporter: str,
    is_proven: bool,
    is_vouched_for: bool = False,
    tells_sender: bool = False,
    is_counted: bool = True,
    now: datetime,
) -> bool:
    """Notes one recipient's, with its cause; False where it is none of ours, or no news. As note_returned()."""
    is_new = note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=recipient_id,
        cause=cause_of(said),
        status=said.status,
        diagnostic=said.diagnostic,
        reporter=said.remote_host or reporter,
        is_proven=is_proven,
        is_vouched_for=is_vouched_for,
        tells_sender=tells_sender,
        is_counted=is_counted,
        now=now,
    )
    if is_new:
        log.info("came back", recipient_id=recipient_id, status=said.status, is_proven=is_proven)
    return is_new


def note_complaint(report: FeedbackReport, *, is_authentic: bool, author: Author, now: datetime) -> int:
    """Notes who complains. What nobody can have made up counts, and what its author's domain vouches for."""
    if not report.is_complaint:
        return 0
    proven = proven_recipient([report.mail_from, report.quoted.return_path], now=now)
    matched = [proven.recipient_id] if proven else match_complaint(report) if is_authentic else []
    return sum(
        note_returned(
            kind=ReturnedKind.COMPLAINT,
            recipient_id=recipient_id,
            diagnostic=report.kind,
            reporter=report.reporting_host or report.user_agent,
            is_proven=proven is not None,
            is_vouched_for=proven is None and author.vouches_for_complaint(recipient_id),
            now=now,
        )
        for recipient_id in matched
    )


def cause_of(said: ReadRecipient) -> Cause:
    """The words first, whoever wrote them; then the code."""
    return said_cause(said.diagnostic) or find_cause(said.status, said.diagnostic)
