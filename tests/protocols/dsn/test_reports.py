"""Delivery status notifications, read back with the standard library's parser."""

import base64
import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dsn import compose_report
from mailhost.protocols.dsn_fields import decode_xtext
from mailhost.protocols.dsn_values import Action, RecipientReport, Report
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
    assert message["From"].addresses[0].addr_spec == "postmaster@mail.example.test"  # RFC 3464 section 2
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


def test_who_brought_the_message_is_told_with_name_and_address() -> None:
    """RFC 3464 section 2.2.4; in its grammar before Arrival-Date."""
    octets = compose_report(report(FAILED, received_from=("Mail.far.test", "192.0.2.7")))
    assert b"\r\nReceived-From-MTA: dns; Mail.far.test (192.0.2.7)\r\nArrival-Date: " in octets
    octets = compose_report(report(FAILED, received_from=("", "2001:db8::7")))
    assert b"\r\nReceived-From-MTA: dns; [IPv6:2001:db8::7]\r\n" in octets
    assert b"Received-From-MTA" not in compose_report(report(FAILED))


@pytest.mark.parametrize(
    ("to", "remote"), [("alice@example.test", "j\\x{F6}rg@far.test"), ("älice@example.test", "jörg@far.test")]
)
def test_where_an_alias_leads_is_told_beside_it(to: str, remote: str) -> None:
    """RFC 3461 section 6.3 (j); only of what was tried there."""
    told = replace(FAILED, forward_path="team@example.test", led_to="jörg@far.test")
    text = compose_report(report(told, to=to)).decode()
    assert "\r\nFinal-Recipient: rfc822; team@example.test\r\n" in text
    assert f"\r\nSMTP-Remote-Recipient: {remote}\r\n" in text
    untried = compose_report(report(replace(told, last_attempt_at=None), to=to))
    assert b"SMTP-Remote-Recipient" not in untried


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


@pytest.mark.parametrize(("to", "encoding"), [("a@x.test", b"quoted-printable"), ("å@x.test", b"8bit")])
def test_a_header_in_utf_8_stays_as_it_is_where_it_may(to: str, encoding: bytes) -> None:
    """RFC 6533 section 6.3."""
    octets = compose_report(report(FAILED, header="Subject: Grüße\r\n\r\n".encode(), to=to))
    assert b"message/global-headers\r\nContent-Transfer-Encoding: " + encoding + b"\r\n" in octets


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


@pytest.mark.parametrize("original", [HEADER + b"x" * 999, HEADER + b"\0", b"Subject: \xfc\r\n\r\n"])
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


def test_fields_stand_in_the_order_of_the_grammar() -> None:
    """RFC 3464 sections 2.2 and 2.3, Deliver-By-Date where RFC 2852 section 5 has it, extension fields at the end."""
    later = NOON + timedelta(days=4)
    delayed = RecipientReport(
        "bob@far.test",
        Action.DELAYED,
        "4.2.2",
        "rfc822;B+2BB@first.test",
        "mx.far.test",
        "452 full",
        NOON,
        later,
    )
    octets = compose_report(
        report(delayed, envid="QQ+2B1", future_release="for 60", deliver_by=later, subject="Hello")
    )
    _, (_, status, _) = read(octets)
    per_message, per_recipient = status.get_payload()
    assert per_message.keys() == [
        "Original-Envelope-Id",
        "Reporting-MTA",
        "Arrival-Date",
        "Deliver-By-Date",
        "Future-Release-Request",
    ]
    assert per_recipient.items() == [
        ("Original-Recipient", "rfc822; B+B@first.test"),
        ("Final-Recipient", "rfc822; bob@far.test"),
        ("Action", "delayed"),
        ("Status", "4.2.2"),
        ("Remote-MTA", "dns; mx.far.test"),
        ("Diagnostic-Code", "smtp; 452 full"),
        ("Last-Attempt-Date", "Sun, 01 Mar 2026 12:00:00 +0000"),
        ("Will-Retry-Until", "Thu, 05 Mar 2026 12:00:00 +0000"),
    ]


def test_what_the_envelope_said_is_told_as_it_was_spelled() -> None:
    """RFC 3464 sections 2.2.1 and 2.3.2, RFC 3461 section 6.3: case and runs of spaces too."""
    failed = RecipientReport('"Bob  B"@far.test', Action.FAILED, "5.1.1", "RFC822;Bob+20+20B@x")
    octets = compose_report(report(failed, envid="Q+20+20Q"))
    assert b"\r\nOriginal-Envelope-Id: Q  Q\r\n" in octets
    assert b"\r\nOriginal-Recipient: RFC822; Bob  B@x\r\n" in octets
    assert b'\r\nFinal-Recipient: rfc822; "Bob  B"@far.test\r\n' in octets


def test_what_is_no_address_in_utf_8_is_copied_as_it_came() -> None:
    """RFC 6533 section 3."""
    odd = RecipientReport("b@far.test", Action.FAILED, "5.1.1", "utf-8;no\\x{F6}body")
    assert b"Original-Recipient: utf-8; no\\x{F6}body\r\n" in compose_report(report(odd, to="å@x.test"))


@pytest.mark.parametrize(
    ("status", "told"), [("5.01.001", "5.1.1"), ("", "5.0.0"), ("no code", "5.0.0"), ("4.4.7", "4.4.7")]
)
def test_a_status_is_a_code(status: str, told: str) -> None:
    """RFC 3464 section 2.3.4, RFC 3461 section 6.3 (g)."""
    octets = compose_report(report(RecipientReport("bob@far.test", Action.FAILED, status)))
    assert f"\r\nStatus: {told}\r\n".encode() in octets


def test_only_a_delay_is_retried() -> None:
    failed = RecipientReport("bob@far.test", Action.FAILED, "5.1.1", will_retry_until=NOON)
    assert b"Will-Retry-Until" not in compose_report(report(failed))


def test_it_stands_beside_the_message_in_a_mail_client() -> None:
    header = b"Message-ID:\r\n <1@example.test>\r\n\r\n"
    message, _ = read(compose_report(report(FAILED, header=header)))
    assert (message["In-Reply-To"], message["References"]) == ("<1@example.test>",) * 2
    for broken in (b"", b"Message-ID: 1\r\n\r\n", "Message-ID: <é@x>\r\n\r\n".encode()):
        message, _ = read(compose_report(report(FAILED, header=broken)))
        assert message["In-Reply-To"] is None


UTF8 = RecipientReport(
    "jörg@far.test",
    Action.FAILED,
    "5.1.1",
    "utf-8;j\\x{F6}rg+x@first.test",
    "mx.far.test",
    "550 kein Jörg\u2028hier",
)


def test_a_sender_beyond_ascii_has_a_report_in_utf_8() -> None:
    """RFC 6533 section 4: it has to go by SMTPUTF8 in any case."""
    octets = compose_report(report(UTF8, to="ålice@example.test"))
    text = octets.decode()
    assert "To: <ålice@example.test>\r\n" in text
    assert (
        "Content-Type: multipart/report; report-type=global-delivery-status;\r\n" in text
    )  # RFC 6522 section 3
    assert "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n" in text
    assert "Original-Recipient: utf-8; jörg+x@first.test\r\n" in text
    assert "Final-Recipient: utf-8; jörg@far.test\r\n" in text
    assert "Diagnostic-Code: smtp; 550 kein Jörg hier\r\n" in text


def test_a_sender_in_ascii_has_the_same_in_ascii() -> None:
    octets = compose_report(report(UTF8))
    assert octets.isascii()
    assert b"Content-Type: message/delivery-status\r\n" in octets
    assert b"Original-Recipient: utf-8; j\\x{F6}rg+x@first.test\r\n" in octets
    assert b"Final-Recipient: utf-8; j\\x{F6}rg@far.test\r\n" in octets
    assert b"Diagnostic-Code: smtp; 550 kein J?rg hier\r\n" in octets


def test_a_message_with_a_header_in_utf_8_comes_back_whole() -> None:
    """message/global may be encoded (RFC 6532 section 3.7), so that it goes through ASCII too."""
    header = "Subject: Grüße\r\n\r\n".encode()
    original = header + b"\xff\0" + b"x" * 2_000
    octets = compose_report(report(FAILED, header=header, original=original))
    assert octets.isascii()
    encoded = octets.partition(b"message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n")[2]
    assert base64.b64decode(encoded.partition(b"--=_b")[0]) == original
    eight_bit = compose_report(
        report(FAILED, header=header, original=header + b"text\r\n", to="å@example.test")
    )
    assert b"message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + header + b"text\r\n" in eight_bit


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.sampled_from(["a@x.test", "å@x.test"]))
def test_whatever_the_other_side_says_it_stays_in_its_field(said: str, to: str) -> None:
    failed = RecipientReport(
        "bob@far.test", Action.FAILED, "5.1.1", "rfc822;b@x", f"mx {said}", f"550 {said}"
    )
    octets = compose_report(report(failed, to=to))
    message, (_, status, _) = read(octets)
    assert not message.defects
    [line] = [each for each in octets.split(b"\r\n") if each.startswith(b"Action:")]
    assert line == b"Action: failed"
    if to.isascii():
        assert [each.keys() for each in status.get_payload()] == [
            ["Reporting-MTA", "Arrival-Date"],
            ["Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"],
        ]
