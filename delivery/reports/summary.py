"""What the reports of some weeks say about a domain, day by day and source by source, ready to be drawn."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.db.models import BigIntegerField, Case, F, Q, Sum, When
from django.db.models.functions import TruncDate

from delivery.models import DmarcReportRow, TlsReport

ALIGNED = Q(is_dkim_aligned=True) | Q(is_spf_aligned=True)
MOST_SOURCES = 20


@dataclass(frozen=True, slots=True)
class Day:
    """good: messages that DMARC passes, or sessions with TLS as it should be; bad: the others."""

    day: date
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Source:
    """An address that sends in the domain's name."""

    ip: str
    good: int
    bad: int
    organizations: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Of `days` days up to and with the last one; a day without a report is there with nothing."""

    domain: str
    dmarc: list[Day]
    tls: list[Day]
    sources: list[Source]
    failures: list[tuple[str, int]] = field(default_factory=list)

    @property
    def passed(self) -> int:
        """Messages that DMARC passes."""
        return sum(day.good for day in self.dmarc)

    @property
    def failed(self) -> int:
        """Messages that it does not."""
        return sum(day.bad for day in self.dmarc)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one domain: messages that DMARC passes and fails, sessions with TLS as it should be and not."""

    domain: str
    passed: int = 0
    failed: int = 0
    tls_good: int = 0
    tls_bad: int = 0


def totals(*, domains: Sequence[str], days: int, now: datetime) -> list[Totals]:
    """One for each of the domains, in their order, of as many days as in summarize: two statements."""
    since = _start(days, now)
    good = Sum(Case(When(ALIGNED, then=F("count")), default=0, output_field=BigIntegerField()))
    rows = DmarcReportRow.objects.filter(report__domain__in=domains, report__begins_at__gte=since)
    dmarc = {
        row["report__domain"]: (row["good"], row["all"] - row["good"])
        for row in rows.values("report__domain").annotate(good=good, all=Sum("count"))
    }
    reports = TlsReport.objects.filter(domain__in=domains, begins_at__gte=since).order_by()
    tls = {
        row["domain"]: (row["good"], row["bad"])
        for row in reports.values("domain").annotate(good=Sum("successes"), bad=Sum("failed"))
    }
    return [Totals(domain, *dmarc.get(domain, (0, 0)), *tls.get(domain, (0, 0))) for domain in domains]


def summarize(*, domain: str, days: int, now: datetime) -> Summary:
    """Three statements. Days are UTC's, by when each report begins."""
    since = _start(days, now)
    rows = DmarcReportRow.objects.filter(report__domain=domain, report__begins_at__gte=since)
    good = Sum(Case(When(ALIGNED, then=F("count")), default=0, output_field=BigIntegerField()))
    by_day = rows.values(day=TruncDate("report__begins_at", tzinfo=UTC)).annotate(good=good, all=Sum("count"))
    by_source: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    per_report = rows.values("source_ip", "report__organization").annotate(good=good, all=Sum("count"))
    for row in per_report:
        source = by_source[row["source_ip"]]
        source[0] += row["good"]
        source[1] += row["all"] - row["good"]
        source[2] += 1
    sources = [Source(ip, *counts) for ip, counts in by_source.items()]
    tls_days: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    failures: dict[str, int] = defaultdict(int)
    for report in TlsReport.objects.filter(domain=domain, begins_at__gte=since):
        day = tls_days[report.begins_at.astimezone(UTC).date()]
        day[0] += report.successes
        day[1] += report.failed
        for failure in report.failures:
            failures[failure["what"]] += failure["sessions"]
    dmarc_days = {row["day"]: [row["good"], row["all"] - row["good"]] for row in by_day}
    return Summary(
        domain,
        _filled(dmarc_days, since.date(), days),
        _filled(tls_days, since.date(), days),
        sorted(sources, key=lambda each: (-(each.good + each.bad), each.ip))[:MOST_SOURCES],
        sorted(failures.items(), key=lambda each: -each[1]),
    )


def _start(days: int, now: datetime) -> datetime:
    first = now.astimezone(UTC) - timedelta(days=days - 1)
    return first.replace(hour=0, minute=0, second=0, microsecond=0)


def _filled(counts: dict[date, list[int]], first: date, days: int) -> list[Day]:
    every = [first + timedelta(days=number) for number in range(days)]
    return [Day(day, *counts.get(day, [0, 0])) for day in every]
