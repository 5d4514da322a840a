"""Writing DMARC aggregate reports (RFC 9990)."""

import gzip
import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from mailhost.protocols.dmarc.aggregate_reports import AggregateReport, PublishedPolicy, Row

NAMESPACE: Final = "urn:ietf:params:xml:ns:dmarc-2.0"
# What XML 1.0 has no way to write, and line ends, which have no business in these texts.
_UNWRITABLE = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_aggregate_report(report: AggregateReport) -> bytes:
    """The XML. Texts may hold anything; what XML cannot hold becomes a question mark."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feedback xmlns="{NAMESPACE}">',
        _leaf("version", "1.0"),
        *_metadata(report),
        *_policy(report.policy),
    ]
    for row in report.rows:
        lines += _record(row)
    return "\n".join([*lines, "</feedback>", ""]).encode()


def packed(xml: bytes) -> bytes:
    """As it is attached, media type application/gzip: the same octets each time, so that it can be sent again."""
    return gzip.compress(xml, mtime=0)


def report_filename(report: AggregateReport, *, receiver: str, unique_id: str = "") -> str:
    """The attachment's name (RFC 9990). receiver: the domain that reports; unique_id: letters and digits, and where
    there is one the report's id as well."""
    begin, end = (int(moment.timestamp()) for moment in (report.begin, report.end))
    unique = f"!{unique_id}" if unique_id else ""
    return f"{receiver}!{report.policy.domain}!{begin}!{end}{unique}.xml.gz"


def report_subject(report: AggregateReport, *, receiver: str) -> str:
    """The Subject of the message that carries it (RFC 9990)."""
    return f"Report Domain: {report.policy.domain} Submitter: {receiver} Report-ID: <{report.report_id}>"


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{escape(_UNWRITABLE.sub('?', text))}</{name}>"


def _told(**leaves: str) -> Iterator[str]:
    """Those that say something."""
    return (_leaf(name, text) for name, text in leaves.items() if text)


def _branch(name: str, *lines: str) -> list[str]:
    return [f"<{name}>", *lines, f"</{name}>"]


def _metadata(report: AggregateReport) -> list[str]:
    begin, end = (str(int(moment.timestamp())) for moment in (report.begin, report.end))
    return _branch(
        "report_metadata",
        _leaf("org_name", report.org_name),
        _leaf("email", report.email),
        *_told(extra_contact_info=report.extra_contact_info),
        _leaf("report_id", report.report_id),
        *_branch("date_range", _leaf("begin", begin), _leaf("end", end)),
        *(_leaf("error", error) for error in report.errors),
        *_told(generator=report.generator),
    )


def _policy(policy: PublishedPolicy) -> list[str]:
    return _branch(
        "policy_published",
        _leaf("domain", policy.domain),
        *_told(discovery_method=policy.discovery_method),
        _leaf("p", policy.p),
        *_told(
            sp=policy.sp,
            np=policy.np,
            fo=policy.fo,
            adkim=policy.adkim,
            aspf=policy.aspf,
            testing=policy.testing,
        ),
    )


def _record(row: Row) -> list[str]:
    evaluated = [
        _leaf("disposition", row.disposition),
        _leaf("dkim", row.dkim),
        _leaf("spf", row.spf),
        *(
            line
            for each in row.overrides
            for line in _branch("reason", *_told(type=each.type, comment=each.comment))
        ),
    ]
    identifiers = [
        _leaf("header_from", row.header_from),
        _leaf("envelope_from", row.envelope_from),
        *_told(envelope_to=row.envelope_to),
    ]
    return _branch(
        "record",
        *_branch(
            "row",
            _leaf("source_ip", row.source_ip),
            _leaf("count", str(row.count)),
            *_branch("policy_evaluated", *evaluated),
        ),
        *_branch("identifiers", *identifiers),
        *_branch("auth_results", *_outcomes(row)),
    )


def _outcomes(row: Row) -> Iterator[str]:
    for dkim in row.dkim_outcomes:
        yield from _branch(
            "dkim",
            _leaf("domain", dkim.domain),
            _leaf("selector", dkim.selector),
            _leaf("result", dkim.result),
            *_told(human_result=dkim.human_result),
        )
    for spf in row.spf_outcomes:
        yield from _branch(
            "spf",
            _leaf("domain", spf.domain),
            *_told(scope=spf.scope),
            _leaf("result", spf.result),
            *_told(human_result=spf.human_result),
        )
