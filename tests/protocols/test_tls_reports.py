"""SMTP TLS reports (RFC 8460)."""

import contextlib
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.report_unpacking import ReportUnreadable
from mailhost.protocols.tls_reports import (
    MAX_POLICIES,
    TlsFailure,
    TlsPolicyReport,
    TlsReport,
    read_tls_report,
)

# As in RFC 8460 appendix B, with other names.
REPORT: dict[str, Any] = {
    "organization-name": "Company-X",
    "date-range": {"start-datetime": "2026-04-01T00:00:00Z", "end-datetime": "2026-04-01T23:59:59Z"},
    "contact-info": "sts-reporting@company-x.test",
    "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": [
                    "version: STSv1",
                    "mode: testing",
                    "mx: *.mail.company-y.test",
                    "max_age: 86400",
                ],
                "policy-domain": "Company-Y.test",
                "mx-host": ["*.mail.company-y.test"],
            },
            "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "2001:db8:abcd:0012::1",
                    "receiving-mx-hostname": "mx1.mail.company-y.test",
                    "failed-session-count": 100,
                },
                {
                    "result-type": "validation-failure",
                    "failed-session-count": 3,
                    "failure-reason-code": "X509_PROXY",
                },
            ],
        }
    ],
}
READ = TlsReport(
    "Company-X",
    "sts-reporting@company-x.test",
    "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
    datetime(2026, 4, 1, tzinfo=UTC),
    datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC),
    (
        TlsPolicyReport(
            "sts",
            "company-y.test",
            ("version: STSv1", "mode: testing", "mx: *.mail.company-y.test", "max_age: 86400"),
            ("*.mail.company-y.test",),
            5326,
            303,
            (
                TlsFailure("certificate-expired", 100, "2001:db8:abcd:0012::1", "mx1.mail.company-y.test"),
                TlsFailure("validation-failure", 3, failure_reason_code="X509_PROXY"),
            ),
        ),
    ),
)


def octets(**changes: Any) -> bytes:
    return json.dumps({**REPORT, **changes}).encode()


def test_a_report_is_read() -> None:
    assert read_tls_report(octets()) == READ
    assert read_tls_report(gzip.compress(octets())) == READ


def test_a_policy_without_more_is_read() -> None:
    read = read_tls_report(
        octets(policies=[{"policy": {"policy-type": "no-policy-found", "mx-host": "mx.test"}}])
    )
    assert read.policies == (TlsPolicyReport("no-policy-found", "", (), ("mx.test",), 0, 0, ()),)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (b"", "The report is no JSON."),
        (b"[" * 200_000, "The report is no JSON."),
        (b"1" * 5000, "The report is no JSON."),
        (b"[]", "The file is no TLS report."),
        (gzip.compress(b" " * 9_000_000), "The report is too large once it is unpacked."),
        (octets(policies={}), "policies of the report is no list."),
        (octets(policies=[{}] * (MAX_POLICIES + 1)), "policies of the report has more than 1000 entries."),
        (octets(policies=["x"]), "The file is no TLS report."),
        (octets(**{"date-range": {}}), "The report does not say which days it is about."),
        (
            octets(**{"date-range": {"start-datetime": "2026-04-01T00:00:00", "end-datetime": ""}}),
            "The report does not say which days it is about.",
        ),
        (
            octets(policies=[{"policy": {}, "summary": {"total-failure-session-count": -1}}]),
            "total-failure-session-count of the report is no number of sessions.",
        ),
    ],
)
def test_what_is_no_report_is_refused(report: bytes, reason: str) -> None:
    with pytest.raises(ReportUnreadable) as fact:
        read_tls_report(report)
    assert str(fact.value) == reason


keys = st.sampled_from([*REPORT, "policy", "summary", "failure-details", "mx-host", "failed-session-count"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
)


@given(st.dictionaries(keys, values))
def test_any_json_is_read_or_refused(changes: dict[str, Any]) -> None:
    with contextlib.suppress(ReportUnreadable):
        assert read_tls_report(octets(**changes)).start.tzinfo is not None
