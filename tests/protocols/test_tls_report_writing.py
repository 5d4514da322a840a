"""SMTP TLS reports as they are written (RFC 8460 section 4.4): our own reader reads them back, others can."""

import gzip
import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.tls_report_writing import packed, report_filename, report_subject, write_tls_report
from mailhost.protocols.tls_reports import TlsFailure, TlsPolicyReport, TlsReport, read_tls_report
from tests.protocols.test_tls_reports import READ, REPORT

TEXT = st.text(max_size=30).map(str.strip)
LOWER = TEXT.map(lambda text: text.lower().strip()).filter(lambda text: text == text.lower().strip())
COUNT = st.integers(0, 10**12)
FAILURES = st.builds(TlsFailure, LOWER, COUNT, TEXT, LOWER, TEXT, TEXT, TEXT, TEXT)
POLICIES = st.builds(
    TlsPolicyReport,
    st.sampled_from(["sts", "tlsa", "no-policy-found"]),
    LOWER,
    st.lists(st.text(max_size=20), max_size=4).map(tuple),
    st.lists(st.text(max_size=20), max_size=4).map(tuple),
    COUNT,
    COUNT,
    st.lists(FAILURES, max_size=3).map(tuple),
)
MOMENTS = st.builds(
    datetime.fromtimestamp,
    st.integers(0, 2 * 10**11) | st.floats(0, 10**9).map(lambda moment: round(moment, 3)),
    st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=30))]),
)
REPORTS = st.builds(TlsReport, TEXT, TEXT, TEXT, MOMENTS, MOMENTS, st.lists(POLICIES, max_size=3).map(tuple))


@given(REPORTS)
def test_what_is_written_is_read_back(report: TlsReport) -> None:
    written = write_tls_report(report)
    assert read_tls_report(written) == report
    assert read_tls_report(packed(written)) == report
    assert written.isascii()


def test_a_report_has_the_names_of_rfc_8460() -> None:
    """As the RFC's appendix B has it, but for the case of names."""
    expected = json.loads(json.dumps(REPORT))
    expected["policies"][0]["policy"]["policy-domain"] = "company-y.test"
    assert json.loads(write_tls_report(READ)) == expected


def test_the_same_report_is_the_same_octets() -> None:
    written = write_tls_report(READ)
    assert packed(written) == packed(written)
    assert gzip.decompress(packed(written)) == written


def test_file_name_and_subject_tell_of_whom_and_which_day() -> None:
    report = TlsReport("Here", "a@mx.here.test", "0a1b", READ.start, READ.end, ())
    assert report_filename(report, policy_domain="far.test", submitter="mx.here.test") == (
        "mx.here.test!far.test!1775001600!1775087999!0a1b.json.gz"
    )
    assert report_subject(report, policy_domain="far.test", submitter="mx.here.test") == (
        "Report Domain: far.test Submitter: mx.here.test Report-ID: <0a1b@mx.here.test>"
    )
