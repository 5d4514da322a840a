"""Reading DMARC aggregate reports of anybody (RFC 9990, RFC 7489 appendix C)."""

import re
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from mailhost.protocols.dmarc.aggregate_reports import (
    AggregateReport,
    DkimOutcome,
    Override,
    PublishedPolicy,
    Row,
    SpfOutcome,
)
from mailhost.protocols.dmarc.bounded_xml import Element, branches
from mailhost.protocols.report_unpacking import PackingLimits, ReportUnreadable, unpack

LIMITS: Final = PackingLimits()
MAX_ROWS: Final = 100_000
_COUNT = re.compile(r"[0-9]{1,12}")


def read_aggregate_report(
    octets: bytes, *, limits: PackingLimits = LIMITS, max_rows: int = MAX_ROWS
) -> AggregateReport:
    """The report in an attachment: XML, or gzip or zip of it. ReportUnreadable.

    Nothing here says who sent it: that is for DMARC itself to find out (RFC 9990).
    """
    metadata = policy = None
    rows: list[Row] = []
    for branch in branches(unpack(octets, limits=limits), root="feedback"):
        if branch.name == "report_metadata" and metadata is None:
            metadata = branch
        elif branch.name == "policy_published" and policy is None:
            policy = _policy(branch)
        elif branch.name == "record":
            if len(rows) >= max_rows:
                raise ReportUnreadable(f"The report has more than {max_rows} records.")
            rows.append(_row(branch))
    if metadata is None or policy is None:
        raise ReportUnreadable("The report does not say who made it, or about which policy.")
    date_range = metadata.child("date_range") or Element("date_range")
    return AggregateReport(
        org_name=metadata.text("org_name"),
        email=metadata.text("email"),
        report_id=metadata.text("report_id"),
        begin=_moment(date_range.text("begin")),
        end=_moment(date_range.text("end")),
        policy=policy,
        rows=tuple(rows),
        extra_contact_info=metadata.text("extra_contact_info"),
        generator=metadata.text("generator"),
        errors=tuple("".join(error.pieces).strip() for error in metadata.all("error")),
    )


def _moment(text: str) -> datetime:
    if not _COUNT.fullmatch(text):
        raise ReportUnreadable("The report does not say which days it is about.")
    try:
        return datetime.fromtimestamp(int(text), tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ReportUnreadable("The report does not say which days it is about.") from error


def _policy(branch: Element) -> PublishedPolicy:
    domain = branch.text("domain").lower()
    if not domain:
        raise ReportUnreadable("The report does not say about which domain it is.")
    tags = ("p", "sp", "np", "adkim", "aspf", "fo", "testing", "discovery_method")
    return PublishedPolicy(domain, **{tag: branch.text(tag).lower() for tag in tags})


def _row(record: Element) -> Row:
    row = record.child("row") or Element("row")
    evaluated = row.child("policy_evaluated") or Element("policy_evaluated")
    identifiers = record.child("identifiers") or Element("identifiers")
    outcomes = record.child("auth_results") or Element("auth_results")
    count = row.text("count")
    if not _COUNT.fullmatch(count):
        raise ReportUnreadable("A record of the report does not say how many messages it is about.")
    return Row(
        source_ip=_ip(row.text("source_ip")),
        count=int(count),
        disposition=evaluated.text("disposition").lower(),
        dkim=evaluated.text("dkim").lower(),
        spf=evaluated.text("spf").lower(),
        header_from=identifiers.text("header_from").lower(),
        envelope_from=identifiers.text("envelope_from").lower(),
        envelope_to=identifiers.text("envelope_to").lower(),
        dkim_outcomes=tuple(
            DkimOutcome(
                each.text("domain").lower(),
                each.text("selector"),
                each.text("result").lower(),
                each.text("human_result"),
            )
            for each in outcomes.all("dkim")
        ),
        spf_outcomes=tuple(
            SpfOutcome(
                each.text("domain").lower(),
                each.text("result").lower(),
                each.text("scope").lower(),
                each.text("human_result"),
            )
            for each in outcomes.all("spf")
        ),
        overrides=tuple(
            Override(each.text("type").lower(), each.text("comment")) for each in evaluated.all("reason")
        ),
    )


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ReportUnreadable("A record of the report has no IP address.") from error
