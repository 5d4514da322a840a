"""Writing SMTP TLS reports: the JSON, its gzip, and the mail that carries it (RFC 8460 sections 4.4, 5.1 and 5.3)."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any, Final

from mailhost.protocols.tls_reports import TlsFailure, TlsPolicyReport, TlsReport

REPORT_TYPE: Final = "tlsrpt"  # of multipart/report
PACKED_TYPE: Final = "application/tlsrpt+gzip"  # RFC 8460 section 6.4
DOMAIN_FIELD: Final = "TLS-Report-Domain"
SUBMITTER_FIELD: Final = "TLS-Report-Submitter"


def write_tls_report(report: TlsReport) -> bytes:
    """The JSON, in ASCII. What is "" in a failure is not told."""
    written = {
        "organization-name": report.organization_name,
        "date-range": {"start-datetime": _moment(report.start), "end-datetime": _moment(report.end)},
        "contact-info": report.contact_info,
        "report-id": report.report_id,
        "policies": [_policy(each) for each in report.policies],
    }
    return json.dumps(written, separators=(",", ":")).encode("ascii")


def packed(written: bytes) -> bytes:
    """As it is sent (PACKED_TYPE): the same octets each time, so that it can be sent again."""
    return gzip.compress(written, mtime=0)


def report_filename(report: TlsReport, *, policy_domain: str, submitter: str) -> str:
    """The attachment's name (section 5.1). report.report_id has to be of letters and digits."""
    begin, end = (int(moment.timestamp()) for moment in (report.start, report.end))
    return f"{submitter}!{policy_domain}!{begin}!{end}!{report.report_id}.json.gz"


def report_subject(report: TlsReport, *, policy_domain: str, submitter: str) -> str:
    """The Subject of the message that carries it (section 5.3)."""
    return (
        f"Report Domain: {policy_domain} Submitter: {submitter} Report-ID: <{report.report_id}@{submitter}>"
    )


def _moment(moment: datetime) -> str:
    """date-time of RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _policy(policy: TlsPolicyReport) -> dict[str, Any]:
    described: dict[str, Any] = {"policy-type": policy.policy_type}
    if policy.policy_string:
        described["policy-string"] = policy.policy_string
    described["policy-domain"] = policy.policy_domain
    if policy.mx_hosts:
        described["mx-host"] = policy.mx_hosts
    written: dict[str, Any] = {
        "policy": described,
        "summary": {
            "total-successful-session-count": policy.successful_sessions,
            "total-failure-session-count": policy.failed_sessions,
        },
    }
    if policy.failures:
        written["failure-details"] = [_failure(each) for each in policy.failures]
    return written


def _failure(failure: TlsFailure) -> dict[str, Any]:
    told = {
        "result-type": failure.result_type,
        "sending-mta-ip": failure.sending_mta_ip,
        "receiving-mx-hostname": failure.receiving_mx_hostname,
        "receiving-mx-helo": failure.receiving_mx_helo,
        "receiving-ip": failure.receiving_ip,
        "failed-session-count": failure.failed_sessions,
        "additional-information": failure.additional_information,
        "failure-reason-code": failure.failure_reason_code,
    }
    return {name: value for name, value in told.items() if value != ""}
