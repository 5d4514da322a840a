"""A day's counts as the report that is sent about them (RFC 9990), no larger than it may be."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.conf import settings

from delivery.feedback.counting import as_row
from delivery.models import DmarcFeedback
from mailhost.protocols.dmarc.aggregate_reports import AggregateReport, PublishedPolicy
from mailhost.protocols.dmarc.aggregate_writing import packed, write_aggregate_report

GENERATOR: Final = "Mailhost"
SHRINKS_TO: Final = 0.9  # of what would fit if all rows were packed alike


def contact() -> str:
    """The address that reports come from."""
    return settings.DMARC_REPORTS_CONTACT or f"postmaster@{settings.HOSTNAME}"


def report_about(feedback: DmarcFeedback) -> AggregateReport:
    """With all rows that are kept, most messages first."""
    begin = datetime.combine(feedback.day, time(), UTC)
    rows = feedback.rows.order_by("-count", "pk").values_list("row", "count")
    return AggregateReport(
        org_name=settings.DMARC_REPORTS_ORGANIZATION or settings.HOSTNAME,
        email=contact(),
        report_id=report_id(feedback),
        begin=begin,
        end=begin + timedelta(days=1, seconds=-1),
        policy=PublishedPolicy(**feedback.policy),
        rows=tuple(as_row(row, count=count) for row, count in rows),
        generator=GENERATOR,
        errors=_left_out(feedback.left_out),
    )


def report_id(feedback: DmarcFeedback) -> str:
    """Of letters and digits, as file names want it, and the same however often the report is made."""
    named = f"{settings.HOSTNAME}\n{feedback.domain}\n{feedback.day.isoformat()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def pack(report: AggregateReport, *, max_octets: int) -> bytes:
    """The attachment; without the rows of fewest messages, where it would be too large with them."""
    octets = packed(write_aggregate_report(report))
    all_rows, kept = report.rows, len(report.rows)
    before = sum(each.count for each in all_rows)
    while len(octets) > max_octets and kept > 1:
        kept = max(1, min(kept - 1, int(kept * max_octets / len(octets) * SHRINKS_TO)))
        left_out = before - sum(each.count for each in all_rows[:kept])
        told = " ".join((*report.errors, f"{left_out} messages are left out: the report would be too large."))
        smaller = replace(report, rows=all_rows[:kept], errors=(told,))
        octets = packed(write_aggregate_report(smaller))
    return octets


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} messages are left out: there were too many kinds of them.",) if count else ()
