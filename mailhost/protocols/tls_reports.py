"""Reading SMTP TLS reports (RFC 8460 section 4): JSON, or gzip of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailhost.protocols.report_unpacking import PackingLimits, ReportUnreadable, unpack

# JSON is read as a whole, and takes several times its size as objects.
LIMITS: Final = PackingLimits(packed_octets=2_000_000, unpacked_octets=10_000_000)
MAX_POLICIES: Final = 1_000
MAX_FAILURES: Final = 10_000  # of one policy
MAX_TEXT: Final = 2_000
MAX_TEXTS: Final = 100  # lines of a policy, patterns of MX hosts
_MAX_COUNT: Final = 10**12


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """Sessions that failed in one way (RFC 8460 section 4.3); "" for what the reporter does not tell."""

    result_type: str
    failed_sessions: int
    sending_mta_ip: str = ""
    receiving_mx_hostname: str = ""
    receiving_mx_helo: str = ""
    receiving_ip: str = ""
    additional_information: str = ""
    failure_reason_code: str = ""


@dataclass(frozen=True, slots=True)
class TlsPolicyReport:
    """What came of one policy: policy_type is "sts", "tlsa" or "no-policy-found"."""

    policy_type: str
    policy_domain: str
    policy_string: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    successful_sessions: int
    failed_sessions: int
    failures: tuple[TlsFailure, ...]


@dataclass(frozen=True, slots=True)
class TlsReport:
    """One report; start and end are aware."""

    organization_name: str
    contact_info: str
    report_id: str
    start: datetime
    end: datetime
    policies: tuple[TlsPolicyReport, ...]


def read_tls_report(octets: bytes, *, limits: PackingLimits = LIMITS) -> TlsReport:
    """The report in an attachment. ReportUnreadable.

    Nothing here says who sent it: DKIM has to (RFC 8460 section 5.3).
    """
    try:
        report = json.loads(b"".join(unpack(octets, limits=limits)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ReportUnreadable):
            raise
        raise ReportUnreadable("The report is no JSON.") from error
    report = _object(report)
    date_range = _object(report.get("date-range"))
    return TlsReport(
        organization_name=_text(report, "organization-name"),
        contact_info=_text(report, "contact-info"),
        report_id=_text(report, "report-id"),
        start=_moment(date_range, "start-datetime"),
        end=_moment(date_range, "end-datetime"),
        policies=tuple(map(_policy, _list(report, "policies", longest=MAX_POLICIES))),
    )


def _policy(found: Any) -> TlsPolicyReport:
    found = _object(found)
    policy = _object(found.get("policy"))
    summary = _object(found.get("summary", {}))
    return TlsPolicyReport(
        policy_type=_text(policy, "policy-type").lower(),
        policy_domain=_text(policy, "policy-domain").lower(),
        policy_string=_texts(policy, "policy-string"),
        mx_hosts=_texts(policy, "mx-host"),
        successful_sessions=_count(summary, "total-successful-session-count"),
        failed_sessions=_count(summary, "total-failure-session-count"),
        failures=tuple(map(_failure, _list(found, "failure-details", longest=MAX_FAILURES))),
    )


def _failure(found: Any) -> TlsFailure:
    found = _object(found)
    return TlsFailure(
        result_type=_text(found, "result-type").lower(),
        failed_sessions=_count(found, "failed-session-count"),
        sending_mta_ip=_text(found, "sending-mta-ip"),
        receiving_mx_hostname=_text(found, "receiving-mx-hostname").lower(),
        receiving_mx_helo=_text(found, "receiving-mx-helo"),
        receiving_ip=_text(found, "receiving-ip"),
        additional_information=_text(found, "additional-information"),
        failure_reason_code=_text(found, "failure-reason-code"),
    )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ReportUnreadable("The file is no TLS report.")
    return value


def _list(found: dict[str, Any], name: str, *, longest: int) -> list[Any]:
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ReportUnreadable(f"{name} of the report is no list.")
    if len(value) > longest:
        raise ReportUnreadable(f"{name} of the report has more than {longest} entries.")
    return value


def _texts(found: dict[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, or the one text that some reporters write in its place."""
    value = found.get(name)
    values = [value] if isinstance(value, str) else _list(found, name, longest=MAX_TEXTS)
    return tuple(each[:MAX_TEXT] for each in values if isinstance(each, str))


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value[:MAX_TEXT].strip() if isinstance(value, str) else ""


def _count(found: dict[str, Any], name: str) -> int:
    """0 where it is not told."""
    value = found.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_COUNT:
        raise ReportUnreadable(f"{name} of the report is no number of sessions.")
    return value


def _moment(found: dict[str, Any], name: str) -> datetime:
    """date-time of RFC 3339."""
    try:
        moment = datetime.fromisoformat(_text(found, name))
    except ValueError as error:
        raise ReportUnreadable("The report does not say which days it is about.") from error
    if moment.tzinfo is None:
        raise ReportUnreadable("The report does not say which days it is about.")
    return moment
