"""Delivery status notifications: RFC 3461 section 6, RFC 3464, multipart/report RFC 6522, in UTF-8 RFC 6533;
Future-Release-Request: RFC 4865, Deliver-By-Date: RFC 2852.

A report is ASCII unless the address it goes to is not, so that it arrives anywhere. It is sent with the null
reverse-path (RFC 3461 section 6.1), so that it can never be answered by another one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from mailhost.protocols.dsn_parts import (
    MAX_LINE_OCTETS,
    original_header_part,
    original_message_part,
    part,
)
from mailhost.protocols.dsn_words import meaning

_WHITE = re.compile(r"[\s\x00-\x1f\x7f]+")
_NOT_UTF8_XCHAR = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")
_HEX_PAIR = re.compile(r"\+([0-9A-F]{2})")


class Action(StrEnum):
    """RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of one recipient. `original_recipient` is ORCPT as it came ("rfc822;…" in xtext) or "".

    `taken_by`: the host that had taken the message, where it came back later; "" otherwise.
    """

    forward_path: str
    action: Action
    status: str
    original_recipient: str = ""
    remote_host: str = ""
    reply: str = ""  # the other server's own words; "" where none was reached
    last_attempt_at: datetime | None = None
    will_retry_until: datetime | None = None
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One notification about one message, to its reverse-path. `subject` is the message's, decoded.

    `future_release`: what was asked, as FutureRelease.request. `original`: the whole message, where it is to be given
    back (RET=FULL); it is where it can be carried.
    """

    reporting_host: str
    to: str
    message_id: str
    boundary: str
    at: datetime
    arrived_at: datetime
    recipients: Sequence[RecipientReport]
    original_header: bytes
    subject: str = ""
    envid: str = ""
    original: bytes = b""
    future_release: str = ""
    deliver_by: datetime | None = None

    @property
    def action(self) -> Action:
        """The gravest of the recipients' actions: it names the report."""
        actions = {each.action for each in self.recipients}
        return next(action for action in Action if action in actions)


_SUBJECTS: Final = {
    Action.FAILED: "Your message could not be delivered",
    Action.DELAYED: "Your message is delayed, and still being tried",
    Action.DELIVERED: "Your message was delivered",
    Action.RELAYED: "Your message was handed on",
}
_OPENINGS: Final = {
    Action.FAILED: "Your message did not reach these recipients. Nothing more will be tried for them.",
    Action.DELAYED: "Your message has not reached these recipients yet. You need not send it again:\n"
    "it is tried further, and you get another notice if it fails for good.",
    Action.DELIVERED: "Your message was delivered to these recipients.",
    Action.RELAYED: "Your message was handed on to the mail servers of these recipients.\n"
    "Those servers send no confirmation that it arrived.",
}


def compose_report(report: Report) -> bytes:
    """The notification as a complete message with CRLF."""
    given_back = original_message_part(report.original, header_octets=len(report.original_header))
    is_whole = bool(report.original) and given_back is not None
    parts = [
        part("text/plain; charset=utf-8", _human_octets(report, is_whole=is_whole), "Notification"),
        part("message/delivery-status", delivery_status(report).encode("ascii"), "Delivery report"),
        given_back if is_whole and given_back else original_header_part(report.original_header),
    ]
    header = [
        f"From: Mail Delivery System <MAILER-DAEMON@{report.reporting_host}>",
        f"To: <{report.to}>",
        f"Subject: {_SUBJECTS[report.action]}",
        f"Date: {format_datetime(report.at)}",
        f"Message-ID: {report.message_id}",
        # RFC 3834 section 5: programs that answer mail must not answer this.
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{report.boundary}"',
    ]
    if not all(each.isascii() for each in parts):
        header.append("Content-Transfer-Encoding: 8bit")  # RFC 2045 section 6.4: no less than its parts need
    delimiter = f"--{report.boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + each + b"\r\n" for each in parts)
    preamble = b"This is a delivery status notification in MIME format.\r\n\r\n"
    return "\r\n".join(header).encode() + b"\r\n\r\n" + preamble + body + delimiter + b"--\r\n"


def _human_octets(report: Report, *, is_whole: bool) -> bytes:
    return human_text(report, is_whole=is_whole).replace("\n", "\r\n").encode()


def human_text(report: Report, *, is_whole: bool = False) -> str:
    """The first part: what happened, what it means, what to do."""
    paragraphs = [f"This is the mail server {report.reporting_host}."]
    for action in Action:
        those = [each for each in report.recipients if each.action is action]
        if those:
            paragraphs += [_OPENINGS[action], *(_about(each) for each in those)]
    if report.subject:
        paragraphs.append(f"Your message had the subject: {_one_line(report.subject)}")
    what = "Your message" if is_whole else "The header of your message"
    paragraphs.append(f"{what} and a report for programs are attached.")
    return "\n\n".join(paragraphs) + "\n"


def _about(recipient: RecipientReport) -> str:
    lines = [f"  {recipient.forward_path}"]
    if recipient.taken_by:
        lines.append(f"    {recipient.taken_by} had taken the message, and it came back later.")
    if recipient.action in (Action.FAILED, Action.DELAYED):
        what, advice = meaning(recipient.status, recipient.reply)
        lines.append(f"    What happened: {what}")
        if recipient.action is Action.FAILED:
            lines.append(f"    What to do: {advice}")
        elif recipient.will_retry_until:
            lines.append(f"    It is tried until {recipient.will_retry_until:%d %B %Y, %H:%M %Z}.")
    if recipient.reply:
        who = recipient.remote_host or "The last attempt"
        lines.append(f"    {who} said: {_one_line(recipient.reply)}")
    return "\n".join(lines)


def delivery_status(report: Report) -> str:
    """The second part (RFC 3464 section 2): per-message fields, a block for each recipient. ASCII, CRLF."""
    message = [f"Reporting-MTA: dns; {report.reporting_host}"]
    if report.envid:
        message.append(f"Original-Envelope-Id: {decode_xtext(report.envid)}")
    if report.future_release:
        message.append(f"Future-Release-Request: {report.future_release}")
    message.append(f"Arrival-Date: {format_datetime(report.arrived_at)}")
    if report.deliver_by:
        message.append(f"Deliver-By-Date: {format_datetime(report.deliver_by)}")
    blocks = [message, *(_recipient_fields(each) for each in report.recipients)]
    return "\r\n".join("\r\n".join(block) + "\r\n" for block in blocks)


def _recipient_fields(recipient: RecipientReport) -> list[str]:
    fields = []
    if recipient.original_recipient:
        kind, _, address = recipient.original_recipient.partition(";")
        # RFC 6533 section 3: a UTF-8 address has an ASCII form of its own, in which + means nothing.
        said = _ascii(_one_line(address)) if kind.lower() == "utf-8" else decode_xtext(address)
        fields.append(f"Original-Recipient: {_ascii(_one_line(kind))}; {said}")
    fields += [
        f"Final-Recipient: {_typed_address(recipient.forward_path)}",
        f"Action: {recipient.action}",
        f"Status: {recipient.status}",
    ]
    if recipient.remote_host:
        fields.append(f"Remote-MTA: dns; {recipient.remote_host}")
    if recipient.reply:
        # RFC 3464 section 2.3.6: "smtp" is the other server's reply; anything else is our own finding.
        kind = "smtp" if recipient.reply[:3].isdigit() else "x-mailhost"
        fields.append(_fold(f"Diagnostic-Code: {kind}; {_ascii(_one_line(recipient.reply))}"))
    if recipient.last_attempt_at:
        fields.append(f"Last-Attempt-Date: {format_datetime(recipient.last_attempt_at)}")
    if recipient.will_retry_until and recipient.action is Action.DELAYED:
        fields.append(f"Will-Retry-Until: {format_datetime(recipient.will_retry_until)}")
    return fields


def _typed_address(address: str) -> str:
    """RFC 3464 section 2.3.2; a non-ASCII one as utf-8-addr-xtext (RFC 6533 section 3), which is ASCII."""
    if address.isascii():
        return f"rfc822; {_one_line(address)}"
    return "utf-8; " + _NOT_UTF8_XCHAR.sub(lambda match: f"\\x{{{ord(match[0]):X}}}", address)


def decode_xtext(text: str) -> str:
    """RFC 3461 section 4: the text that xtext stands for, on one line and in ASCII, as fields of a report are."""
    return _ascii(_one_line(_HEX_PAIR.sub(lambda match: chr(int(match[1], 16)), text)))


def _ascii(text: str) -> str:
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def _one_line(text: str) -> str:
    return _WHITE.sub(" ", text).strip()


def _fold(line: str) -> str:
    """Folded at white space, for readers that take 78 characters (RFC 5322 section 2.2.3)."""
    rows = [""]
    for word in line.split(" "):
        if rows[-1] and len(rows[-1]) + 1 + len(word) > 76:
            rows.append("")
        rows[-1] += f" {word}" if rows[-1] or len(rows) > 1 else word
    return "\r\n".join(row[: MAX_LINE_OCTETS - 20] for row in rows)
