"""A day's counts as the report that is sent about them (RFC 9990), no larger than it may be."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.conf import settings

from delivery.feedback.counting import as_row
from delivery.feedback.dispatch import fitted
from delivery.feedback.mailing import Letter
from delivery.filters.report_rule import DMARC
from delivery.models import DmarcFeedback
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dmarc.aggregate_reports import AggregateReport, PublishedPolicy
from mailhost.protocols.dmarc.aggregate_writing import (
    packed,
    report_filename,
    report_subject,
    write_aggregate_report,
)
from mailhost.protocols.message.composing import Attachment, compose
from mailhost.protocols.message.reading import Correspondent

GENERATOR: Final = "Mailhost"


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
    all_rows = report.rows
    before = sum(each.count for each in all_rows)

    def make(kept: int) -> bytes:
        if kept == len(all_rows):
            return packed(write_aggregate_report(report))
        left_out = before - sum(each.count for each in all_rows[:kept])
        told = " ".join((*report.errors, f"{left_out} messages are left out: the report would be too large."))
        return packed(write_aggregate_report(replace(report, rows=all_rows[:kept], errors=(told,))))

    return fitted(make, count=len(all_rows), max_octets=max_octets)


def letter_of(report: AggregateReport, attachment: bytes, *, now: datetime) -> Letter:
    """The mail that carries it (RFC 9990, "Email")."""
    return Letter(
        compose=lambda to: compose_mail(report, attachment, to=to, now=now),
        report_id=report.report_id,
        kind=DMARC,
        reverse_path=contact(),
    )


def compose_mail(
    report: AggregateReport, attachment: bytes, *, to: Sequence[EmailAddress], now: datetime
) -> bytes:
    """The message without Return-Path; its Message-ID is the report's, so that who gets it twice can know."""
    domain = report.policy.domain
    text = (
        f"This is a DMARC aggregate report (RFC 9990), by a program for a program. It tells what came to\n"
        f"{settings.HOSTNAME} in the name of {domain} on {report.begin:%-d %B %Y} (UTC), as the DMARC\n"
        f"record of {domain} asks for with rua.\n"
    )
    filename = report_filename(report, receiver=settings.HOSTNAME, unique_id=report.report_id)
    octets = compose(
        from_=Correspondent(report.org_name, contact()),
        to=[str(each) for each in to],
        subject=report_subject(report, receiver=settings.HOSTNAME),
        text=text,
        message_id=f"<{report.report_id}@{settings.HOSTNAME}>",
        date=now,
        attachments=[Attachment(filename, "application/gzip", attachment)],
    )
    # RFC 3834 section 5: programs that answer mail must not answer this.
    return b"Auto-Submitted: auto-generated\r\n" + octets


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} messages are left out: there were too many kinds of them.",) if count else ()
