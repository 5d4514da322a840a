"""Delivery status notifications: RFC 3461 section 6, RFC 3464, multipart/report RFC 6522, in UTF-8 RFC 6533.

A report is ASCII unless the address it goes to is not, or 8-bit text is given back, so that it arrives anywhere. It is
sent with the null reverse-path (RFC 3461 section 6.1), so that it can never be answered by another one.
"""

from email.utils import format_datetime
from typing import Final

from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import WORDS
from mailhost.protocols.dsn_fields import delivery_status, one_line
from mailhost.protocols.dsn_parts import original_header_part, original_message_part, part
from mailhost.protocols.dsn_values import Action, RecipientReport, Report
from mailhost.protocols.dsn_words import meaning
from mailhost.protocols.report_fields import quoted_header

_SUBJECTS: Final = {
    Action.FAILED: "Your message could not be delivered",
    Action.DELAYED: "Your message is delayed, and still being tried",
    Action.DELIVERED: "Your message was delivered",
    Action.RELAYED: "Your message was handed on",
    Action.EXPANDED: "Your message was handed on to several",
}
SUBJECT_LINE: Final = "Your message had the subject:"
_UNTOLD_SUBJECT: Final = "A message could not be delivered, and nobody could be told"
_UNTOLD_OPENING: Final = "A message did not reach these recipients, and nothing more will be tried for them."
_OPENINGS: Final = {
    Action.FAILED: "Your message did not reach these recipients. Nothing more will be tried for them.",
    Action.DELAYED: "Your message has not reached these recipients yet. You need not send it again:\n"
    "it is tried further, and you get another notice if it fails for good.",
    Action.DELIVERED: "Your message was delivered to these recipients.",
    Action.RELAYED: "Your message was handed on to the mail servers of these recipients.\n"
    "They may send no confirmation that it arrived.",
    Action.EXPANDED: "These addresses stand for several others, and your message was handed on to all of them.\n"
    "Where it does not arrive you get another notice, unless you asked for none.",
}


def compose_report(report: Report) -> bytes:
    """The notification as a complete message with CRLF."""
    given_back = original_message_part(
        report.original, header_octets=len(report.original_header), is_8bit=report.is_utf8
    )
    is_whole = bool(report.original) and given_back is not None
    parts = [
        part("text/plain; charset=utf-8", _human_octets(report, is_whole=is_whole), "Notification"),
        _status_part(report),
        given_back
        if is_whole and given_back
        else original_header_part(report.original_header, is_8bit=report.is_utf8),
    ]
    header = [
        # RFC 3464 section 2: whoever answers reaches a person.
        f"From: Mail Delivery System <postmaster@{report.reporting_host}>",
        f"To: <{report.to}>",
        f"Subject: {_UNTOLD_SUBJECT if report.nobody_told else _SUBJECTS[report.action]}",
        f"Date: {format_datetime(report.at)}",
        f"Message-ID: {report.message_id}",
        *_threading(report),
        # RFC 3834 section 5: programs that answer mail must not answer this.
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={_status_type(report)};\r\n boundary="{report.boundary}"',
    ]
    if not all(each.isascii() for each in parts):
        header.append("Content-Transfer-Encoding: 8bit")  # RFC 2045 section 6.4: no less than its parts need
    delimiter = f"--{report.boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + each + b"\r\n" for each in parts)
    preamble = b"This is a delivery status notification in MIME format.\r\n\r\n"
    return "\r\n".join(header).encode() + b"\r\n\r\n" + preamble + body + delimiter + b"--\r\n"


def _status_type(report: Report) -> str:
    """The subtype of the second part, and so the report's type (RFC 6522 section 3)."""
    return "global-delivery-status" if report.is_utf8 else "delivery-status"


def _status_part(report: Report) -> bytes:
    """RFC 6533 section 4: message/global-delivery-status has addresses in UTF-8, and may be 8-bit."""
    kind = f"message/{_status_type(report)}"
    status = delivery_status(report).encode("utf-8" if report.is_utf8 else "ascii")
    return part(kind, status, "Delivery report", is_8bit=report.is_utf8)


def _threading(report: Report) -> list[str]:
    """RFC 3834 section 3.1.5: what answers a message names it, and stands beside it in the sender's mail client."""
    message_id = quoted_header(report.original_header).message_id
    if not message_id or not message_id.isascii() or not message_id.isprintable():
        return []
    return [f"In-Reply-To: {message_id}", f"References: {message_id}"]


def _human_octets(report: Report, *, is_whole: bool) -> bytes:
    return human_text(report, is_whole=is_whole).replace("\n", "\r\n").encode()


def human_text(report: Report, *, is_whole: bool = False) -> str:
    """The first part: what happened, what it means, what to do."""
    paragraphs = [f"This is the mail server {report.reporting_host}."]
    if report.nobody_told:
        paragraphs += [
            f"{_UNTOLD_OPENING}\n{report.nobody_told}",
            *(_about(each) for each in report.recipients),
        ]
        return "\n\n".join([*paragraphs, "Its header and a report for programs are attached."]) + "\n"
    for action in Action:
        those = [each for each in report.recipients if each.action is action]
        if those:
            paragraphs += [_OPENINGS[action], *(_about(each) for each in those)]
    if report.subject:
        paragraphs.append(f"{SUBJECT_LINE} {one_line(report.subject)}")
    what = "Your message" if is_whole else "The header of your message"
    paragraphs.append(f"{what} and a report for programs are attached.")
    return "\n\n".join(paragraphs) + "\n"


def _about(recipient: RecipientReport) -> str:
    leads = f" (which leads to {recipient.led_to})" if recipient.led_to else ""
    lines = [f"  {recipient.forward_path}{leads}"]
    if recipient.taken_by:
        lines.append(f"    {recipient.taken_by} had taken the message, and it came back later.")
    if recipient.action in (Action.FAILED, Action.DELAYED):
        what, advice = (
            WORDS[Cause.GIVEN_UP] if recipient.is_given_up else meaning(recipient.status, recipient.reply)
        )
        lines.append(f"    What happened: {what}")
        if recipient.action is Action.FAILED:
            lines.append(f"    What to do: {advice}")
        elif recipient.will_retry_until:
            lines.append(f"    It is tried until {recipient.will_retry_until:%d %B %Y, %H:%M %Z}.")
    if recipient.reply:
        who = recipient.remote_host or ("Whoever did" if recipient.is_given_up else "The last attempt")
        lines.append(f"    {who} said: {one_line(recipient.reply)}")
    return "\n".join(lines)
