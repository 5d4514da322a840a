"""Delivery status notifications, read back with the standard library's parser."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dsn import Action, RecipientReport, Report, compose_report, decode_xtext
from mailhost.protocols.dsn_words import meaning

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEADER = b"From: Alice <alice@example.test>\r\nTo: bob@far.test\r\nSubject: Hello\r\n\r\n"


def report(
    *recipients: RecipientReport, header: bytes = HEADER, to: str = "alice@example.test", **more: Any
) -> Report:
    return Report(
        reporting_host="mail.example.test",
        to=to,
        message_id="<1.report@mail.example.test>",
        boundary="=_b",
        at=NOON,
        arrived_at=NOON - timedelta(minutes=5),
        recipients=recipients,
        original_header=header,
        **more,
    )


FAILED = RecipientReport(
    "bob@far.test",
    Action.FAILED,
    "5.1.1",
    remote_host="mx.far.test",
    reply="550 5.1.1 No such user here",
    last_attempt_at=NOON,
)


def read(octets: bytes) -> tuple[EmailMessage, list[Any]]:
    """The message and its parts (typed loosely: what get_payload gives differs by type)."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message, list(message.iter_parts())


def test_a_failure_says_what_happened_what_it_means_and_what_to_do() -> None:
    message, (text, status, header) = read(compose_report(report(FAILED, subject="Hello")))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["To"] == "alice@example.test"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    words = text.get_content()
    assert "did not reach" in words
    assert "There is no such address there." in words
    assert "Check the address for typing mistakes" in words
    assert "mx.far.test said: 550 5.1.1 No such user here" in words
    assert "the subject: Hello" in words
    per_message, per_recipient = status.get_payload()
    assert per_message["Reporting-MTA"] == "dns; mail.example.test"
    assert per_recipient["Final-Recipient"] == "rfc822; bob@far.test"
    assert per_recipient["Action"] == "failed"
    assert per_recipient["Status"] == "5.1.1"
    assert per_recipient["Remote-MTA"] == "dns; mx.far.test"
    assert per_recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user here"
    assert header.get_content_type() == "text/rfc822-headers"
    assert "Subject: Hello" in header.get_content()


def test_a_delay_says_until_when_it_is_tried() -> None:
    delayed = RecipientReport(
        "bob@far.test", Action.DELAYED, "4.4.1", will_retry_until=NOON + timedelta(days=4)
    )
    message, (text, status, _) = read(compose_report(report(delayed)))
    assert "delayed" in message["Subject"]
    assert "05 March 2026, 12:00 UTC" in text.get_content()
    assert status.get_payload()[1]["Will-Retry-Until"] == "Thu, 05 Mar 2026 12:00:00 +0000"


def test_the_gravest_of_several_names_the_report() -> None:
    delivered = RecipientReport("carol@far.test", Action.RELAYED, "2.0.0")
    message, (text, status, _) = read(compose_report(report(delivered, FAILED)))
    assert "could not be delivered" in message["Subject"]
    assert "carol@far.test" in text.get_content()
    assert len(status.get_payload()) == 3


def test_what_was_found_here_is_no_smtp_diagnostic() -> None:
    lost = RecipientReport("bob@nowhere.test", Action.FAILED, "5.1.2", reply="There is no such domain.")
    _, (_, status, _) = read(compose_report(report(lost)))
    assert status.get_payload()[1]["Diagnostic-Code"] == "x-mailhost; There is no such domain."


def test_a_non_ascii_recipient_is_reported_in_ascii() -> None:
    octets = compose_report(
        report(RecipientReport("jörg@far.test", Action.FAILED, "5.6.7", original_recipient="utf-8;j+C3"))
    )
    assert octets.isascii()
    _, (text, status, _) = read(octets)
    assert status.get_payload()[1]["Final-Recipient"] == "utf-8; j\\x{F6}rg@far.test"
    assert "jörg@far.test" in text.get_content()


def test_a_header_in_utf_8_goes_as_global_headers() -> None:
    _, (_, _, header) = read(compose_report(report(FAILED, header="Subject: Grüße\r\n\r\n".encode())))
    assert header.get_content_type() == "message/global-headers"


@given(st.binary(max_size=300))
def test_any_octets_for_a_header_leave_a_report_in_ascii_and_short_lines(header: bytes) -> None:
    octets = compose_report(report(FAILED, header=header))
    assert octets.isascii()
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\r" not in octets.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    _, parts = read(octets)
    assert len(parts) == 3


def test_a_huge_header_is_cut_at_a_line() -> None:
    octets = compose_report(report(FAILED, header=b"X-Long: yes\r\n" * 20_000))
    assert len(octets) < 80_000
    assert octets.count(b"X-Long: yes\r\n") == (64 * 1024) // 13


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_xtext_of_one_line_reads_back(text: str) -> None:
    # RFC 3461 section 4: these two must be written as hexadecimal, any other may be.
    assert decode_xtext(text.replace("+", "+2B").replace("=", "+3D")) == text
    assert decode_xtext("".join(f"+{ord(each):02X}" for each in text)) == text


@given(st.text())
def test_what_is_not_xtext_becomes_one_line_of_ascii(text: str) -> None:
    read = decode_xtext(text)
    assert read.isascii()
    assert read.isprintable()


@pytest.mark.parametrize(
    ("status", "word"),
    [("5.1.1", "no such address"), ("5.1.99", "not accepted"), ("5.9.9", "did not accept"), ("", "")],
)
def test_every_status_has_words(status: str, word: str) -> None:
    what, advice = meaning(status)
    assert word in what
    assert advice.endswith(".")


def test_a_message_that_is_given_back_reads_back_as_it_was() -> None:
    original = HEADER + "Grüße\r\n--x\r\n".encode()
    octets = compose_report(report(FAILED, original=original))
    message, (text, _, given_back) = read(octets)
    assert message["Content-Transfer-Encoding"] == "8bit"
    assert given_back.get_content_type() == "message/rfc822"
    assert octets.partition(b"Content-Transfer-Encoding: 8bit\r\n\r\n")[2] != b""
    assert original in octets
    assert "Your message and a report" in text.get_content()


@pytest.mark.parametrize("original", [HEADER + b"x" * 999, HEADER + b"\0", "Subject: ü\r\n\r\n".encode()])
def test_what_cannot_be_given_back_is_told_by_its_header(original: bytes) -> None:
    header = original.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    octets = compose_report(report(FAILED, header=header, original=original))
    _, (text, _, given_back) = read(octets)
    assert octets.isascii()
    assert given_back.get_content_type() in {"text/rfc822-headers", "message/global-headers"}
    assert "The header of your message" in text.get_content()


@given(st.binary(max_size=200))
def test_any_octets_given_back_leave_short_lines_with_crlf(body: bytes) -> None:
    octets = compose_report(report(FAILED, original=HEADER + body))
    assert octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
