"""Reads the reports that came in: out of the mailboxes' contents, into tables, each once."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from delivery.filters.report_rule import CHECK, TLS, report_parts
from delivery.models import DmarcReport, DmarcReportRow, RecordedVerdict, ReportReading, TlsReport
from domains.models import Domain
from mailboxes.models import Content
from mailhost.protocols import tls_reports
from mailhost.protocols.dmarc import aggregate_reading
from mailhost.protocols.dmarc.aggregate_reports import AggregateReport
from mailhost.protocols.message.scanner import scan
from mailhost.protocols.message.text import decode_transfer
from mailhost.protocols.report_unpacking import ReportUnreadable

log = structlog.get_logger(__name__)

VERDICTS_AT_ONCE: Final = 5_000
REPORTS_AT_ONCE: Final = 20  # some take seconds: the lease of a round is one transaction
MAX_ROWS: Final = 5_000  # of one report, the largest first
MAX_FAILURES: Final = 50
KEPT: Final = timedelta(days=400)  # a year can be seen as a whole


@transaction.atomic
def read_reports(*, now: datetime) -> int:
    """Reads what came since the last round; how many reports were new. One worker at a time, others find nothing."""
    ReportReading.objects.get_or_create(pk=1)
    place = ReportReading.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if place is None:
        return 0
    newer = RecordedVerdict.objects.filter(pk__gt=place.last_verdict_id).order_by("pk")
    last = newer.values_list("pk", flat=True)[VERDICTS_AT_ONCE - 1 : VERDICTS_AT_ONCE].first()
    end = last or newer.values_list("pk", flat=True).last()
    if end is None:
        return 0
    carrying = list(newer.filter(pk__lte=end, findings__contains=[{"check": CHECK}])[: REPORTS_AT_ONCE + 1])
    if len(carrying) > REPORTS_AT_ONCE:
        carrying.pop()
        end = carrying[-1].pk
    count = sum(_read(verdict, now) for verdict in carrying)
    place.last_verdict_id = end
    place.save(update_fields=["last_verdict_id"])
    return count


def forget_reports(*, now: datetime) -> None:
    """Removes those that are older than they are kept."""
    for model in (DmarcReport, TlsReport):
        model._default_manager.filter(received_at__lt=now - KEPT).delete()


def _read(verdict: RecordedVerdict, now: datetime) -> int:
    content = Content.objects.filter(pk=verdict.content_id).only("octets").first()
    if content is None:
        return 0
    octets = bytes(content.octets)
    is_authentic = any(each["check"] == "dmarc" and each["result"] == "pass" for each in verdict.findings)
    count = 0
    for kind, part in report_parts(scan(octets)):
        body = decode_transfer(octets[part.body_start : part.body_end], part.transfer_encoding)
        try:
            if kind == TLS:
                count += _keep_tls(tls_reports.read_tls_report(body), is_authentic, now)
            else:
                count += _keep_dmarc(aggregate_reading.read_aggregate_report(body), is_authentic, now)
        except ReportUnreadable as error:
            log.info("report unreadable", kind=kind, trace_id=verdict.trace_id, error=str(error))
    return count


def _keep_dmarc(report: AggregateReport, is_authentic: bool, now: datetime) -> int:
    domain = report.policy.domain.lower().rstrip(".")
    if not _is_hosted(domain):
        return 0
    row, is_new = DmarcReport.objects.get_or_create(
        domain=domain,
        organization=_text(report.org_name),
        report_id=_text(report.report_id),
        defaults={
            "begins_at": report.begin,
            "ends_at": report.end,
            "policy": _text(report.policy.p),
            "is_authentic": is_authentic,
            "received_at": now,
        },
    )
    if is_new:
        most = sorted(report.rows, key=lambda each: -each.count)[:MAX_ROWS]
        DmarcReportRow.objects.bulk_create(
            [
                DmarcReportRow(
                    report=row,
                    source_ip=_text(each.source_ip),
                    count=each.count,
                    disposition=_text(each.disposition),
                    is_dkim_aligned=each.dkim == "pass",
                    is_spf_aligned=each.spf == "pass",
                    header_from=_text(each.header_from),
                )
                for each in most
            ]
        )
    return int(is_new)


def _keep_tls(report: tls_reports.TlsReport, is_authentic: bool, now: datetime) -> int:
    count = 0
    for policy in report.policies:
        domain = policy.policy_domain.lower().rstrip(".")
        if not _is_hosted(domain):
            continue
        most = sorted(policy.failures, key=lambda each: -each.failed_sessions)[:MAX_FAILURES]
        _, is_new = TlsReport.objects.get_or_create(
            domain=domain,
            organization=_text(report.organization_name),
            report_id=_text(report.report_id),
            policy=_text(policy.policy_type),
            defaults={
                "begins_at": report.start,
                "ends_at": report.end,
                "successes": policy.successful_sessions,
                "failed": policy.failed_sessions,
                "failures": [
                    {
                        "what": _text(each.result_type),
                        "sessions": each.failed_sessions,
                        "host": _text(each.receiving_mx_hostname),
                    }
                    for each in most
                ],
                "is_authentic": is_authentic,
                "received_at": now,
            },
        )
        count += is_new
    return count


def _is_hosted(domain: str) -> bool:
    """A report is about a domain of ours, or a name below one."""
    labels = domain.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))]
    return Domain.objects.filter(name__in=names).exists()


def _text(text: str) -> str:
    """Postgres takes no NUL; nobody reads more."""
    return text.replace("\0", "")[:255]
