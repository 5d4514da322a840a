"""Feedback reports: what RFC 5965 has, what providers leave out, and that nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.arf import MAX_RECIPIENTS, FeedbackReport, read_feedback

FIELDS = """Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <alice@here.test>
Original-Rcpt-To: <bob@far.test>
Original-Rcpt-To: eve@far.test
Original-Envelope-Id: QQ1
Source-IP: 192.0.2.1
Reporting-MTA: dns; mx.far.test
Reported-Domain: here.test
"""
MESSAGE = "Return-Path: <alice@here.test>\nMessage-ID: <1@here.test>\nSubject: Offer\n\nBuy.\n"


def report(fields: str = FIELDS, *, message: str = MESSAGE, kind: str = "message/rfc822") -> bytes:
    return (
        "From: fbl@far.test\nSubject: FW: Offer\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\n\nSomebody did not want this.\n"
        f"--b\nContent-Type: message/feedback-report\n\n{fields}\n"
        f"--b\nContent-Type: {kind}\n\n{message}\n--b--\n"
    ).encode()


def read(octets: bytes) -> FeedbackReport:
    found = read_feedback(octets)
    assert found is not None
    return found


def test_a_complaint() -> None:
    found = read(report())
    assert (found.kind, found.is_complaint) == ("abuse", True)
    assert (found.mail_from, found.rcpt_to) == ("alice@here.test", ("bob@far.test", "eve@far.test"))
    assert (found.quoted.message_id, found.quoted.return_path) == ("<1@here.test>", "alice@here.test")
    assert (found.envelope_id, found.source_ip, found.reporting_host) == ("QQ1", "192.0.2.1", "mx.far.test")
    assert found.user_agent == "SomeGenerator/1.0"


@pytest.mark.parametrize(
    ("kind", "is_complaint"),
    [
        ("abuse", True),
        ("ABUSE", True),
        ("fraud", True),
        ("opt-out", True),
        ("other", False),
        ("not-spam", False),
        ("auth-failure", False),
        ("virus", False),
        ("x-new", False),
    ],
)
def test_what_is_a_complaint(kind: str, is_complaint: bool) -> None:
    assert read(report(f"Feedback-Type: {kind}\n")).is_complaint is is_complaint


def test_what_many_leave_out() -> None:
    found = read(report("Feedback-Type: abuse\nOriginal-Mail-From: <>\n", kind="text/rfc822-headers"))
    assert (found.mail_from, found.rcpt_to, found.quoted.message_id) == ("", (), "<1@here.test>")


def test_blank_lines_between_its_fields() -> None:
    assert read(report(FIELDS.replace("\n", "\n\n"))).rcpt_to == ("bob@far.test", "eve@far.test")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        report("Version: 1\n"),
        b"Content-Type: text/plain\n\n" + FIELDS.encode(),
        b"Content-Type: message/rfc822\n\n" + report(),  # somebody forwards one
    ],
)
def test_what_is_none(octets: bytes) -> None:
    assert read_feedback(octets) is None


@given(st.binary(max_size=300))
def test_any_octets_in_it(octets: bytes) -> None:
    found = read_feedback(report("FIELDS").replace(b"FIELDS", octets))
    assert found is None or "\0" not in found.kind


def test_so_many_recipients_are_read() -> None:
    fields = "Feedback-Type: abuse\n" + "".join(f"Original-Rcpt-To: a{n}@far.test\n\n" for n in range(500))
    assert len(read(report(fields)).rcpt_to) == MAX_RECIPIENTS
