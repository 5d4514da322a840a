"""The machine-readable part of a notification: RFC 3464 section 2, in UTF-8 RFC 6533; Future-Release-Request: RFC 4865,
Deliver-By-Date: RFC 2852. Fields stand in the order of the grammar.
"""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.dsn_parts import MAX_LINE_OCTETS
from mailhost.protocols.dsn_values import Action, RecipientReport, Report
from mailhost.protocols.smtp.dsn_parameters import utf8_characters
from mailhost.protocols.smtp.trace_fields import address_literal

_WHITE = re.compile(r"[\s\x00-\x1f\x7f]+")
_NOT_UTF8_XCHAR = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")
_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})")
_IN_GENERAL: Final = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0"} | dict.fromkeys(
    (Action.DELIVERED, Action.RELAYED, Action.EXPANDED), "2.0.0"
)
_HEX_PAIR = re.compile(r"\+([0-9A-F]{2})")
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


def delivery_status(report: Report) -> str:
    """Per-message fields, and a block for each recipient, with CRLF. ASCII unless report.is_utf8."""
    message = []
    if report.envid:
        message.append(f"Original-Envelope-Id: {decode_xtext(report.envid)}")
    message.append(f"Reporting-MTA: dns; {report.reporting_host}")
    if report.received_from:
        message.append(f"Received-From-MTA: dns; {_client(*report.received_from)}")
    message.append(f"Arrival-Date: {_date(report.arrived_at)}")
    if report.deliver_by:
        message.append(f"Deliver-By-Date: {_date(report.deliver_by)}")
    if report.future_release:
        message.append(f"Future-Release-Request: {report.future_release}")
    blocks = [message, *(_recipient_fields(each, is_utf8=report.is_utf8) for each in report.recipients)]
    return "\r\n".join("\r\n".join(block) + "\r\n" for block in blocks)


def _client(name: str, address: str) -> str:
    """RFC 3464 section 2.2.4: what it called itself in HELO, and in a comment where it was."""
    return f"{_ascii(one_line(name))} ({address})" if name else address_literal(address)


def _recipient_fields(recipient: RecipientReport, *, is_utf8: bool) -> list[str]:
    fields = []
    if recipient.original_recipient:
        fields.append(original_recipient_field(recipient.original_recipient, is_utf8=is_utf8))
    fields += [
        f"Final-Recipient: {_typed_address(recipient.forward_path, is_utf8=is_utf8)}",
        f"Action: {recipient.action}",
        f"Status: {_status_code(recipient)}",
    ]
    if recipient.remote_host:
        fields.append(f"Remote-MTA: dns; {_ascii(one_line(recipient.remote_host))}")
    if recipient.reply:
        # RFC 3464 section 2.3.6: "smtp" is the other server's reply; anything else is our own finding.
        is_theirs = recipient.reply[:3].isdigit() and not recipient.is_given_up
        kind = "smtp" if is_theirs else "x-mailhost"
        said = one_line(recipient.reply)
        fields.append(_fold(f"Diagnostic-Code: {kind}; {_plain(said) if is_utf8 else _ascii(said)}"))
    if recipient.last_attempt_at:
        fields.append(f"Last-Attempt-Date: {_date(recipient.last_attempt_at)}")
    if recipient.will_retry_until and recipient.action is Action.DELAYED:
        fields.append(f"Will-Retry-Until: {_date(recipient.will_retry_until)}")
    if recipient.led_to and recipient.last_attempt_at:
        # RFC 3461 section 6.3 (j); the example of section 10.5 has no type before it.
        fields.append(f"SMTP-Remote-Recipient: {_address(recipient.led_to, is_utf8=is_utf8)}")
    return fields


def _status_code(recipient: RecipientReport) -> str:
    """RFC 3464 section 2.3.4: without leading zeros, as other hosts may have said it; where that is no code, none in
    particular (RFC 3461 section 6.3 (g))."""
    found = _STATUS.fullmatch(recipient.status)
    return ".".join(str(int(each)) for each in found.groups()) if found else _IN_GENERAL[recipient.action]


def original_recipient_field(orcpt: str, *, is_utf8: bool) -> str:
    """Of a report, and of a message that is delivered (RFC 8098 section 2.3). orcpt: as in RecipientReport."""
    return f"Original-Recipient: {_original(orcpt, is_utf8=is_utf8)}"


def _original(orcpt: str, *, is_utf8: bool) -> str:
    """As RFC 3461 section 6.3 wants it: the xtext undone. A UTF-8 address has an ASCII form of its own, in which +
    means nothing (RFC 6533 section 3): it stays in a report in ASCII, and so does what stands for no address."""
    kind, _, address = orcpt.partition(";")
    if kind.lower() != "utf-8":
        return f"{_ascii(one_line(kind))}; {decode_xtext(address)}"
    return f"{kind}; {_plain(_utf8_address(address)) if is_utf8 else _ascii(address)}"


def _utf8_address(text: str) -> str:
    """What does not stand for an address is copied as it came (RFC 6533 section 3)."""
    try:
        EmailAddress.parse(address := utf8_characters(text), is_lenient=True)
    except AddressSyntaxError:
        return text
    return address


def _typed_address(address: str, *, is_utf8: bool) -> str:
    """RFC 3464 section 2.3.2: exactly as the envelope has it, with two spaces in a quoted local part too; one beyond
    ASCII is as it is in a report in UTF-8, and utf-8-addr-xtext in another."""
    return f"{'rfc822' if address.isascii() else 'utf-8'}; {_address(address, is_utf8=is_utf8)}"


def _address(address: str, *, is_utf8: bool) -> str:
    if address.isascii():
        return _ascii(address)
    if is_utf8:
        return _plain(address)
    return _NOT_UTF8_XCHAR.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)


def decode_xtext(text: str) -> str:
    """RFC 3461 section 4: the text that xtext stands for, in ASCII, as fields of a report are; nothing of its spelling
    is changed (RFC 3464 section 2.2.1)."""
    return _ascii(_HEX_PAIR.sub(lambda match: chr(int(match[1], 16)), text))


def _ascii(text: str) -> str:
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def _plain(text: str) -> str:
    return _NOT_PRINTABLE.sub("?", text)


def one_line(text: str) -> str:
    """Runs of white space and controls as one space."""
    return _WHITE.sub(" ", text).strip()


def _date(moment: datetime) -> str:
    return format_datetime(moment)


def _fold(line: str) -> str:
    """Folded at white space, for readers that take 78 characters (RFC 5322 section 2.2.3)."""
    rows = [""]
    for word in line.split(" "):
        if rows[-1] and len(rows[-1]) + 1 + len(word) > 76:
            rows.append("")
        rows[-1] += f" {word}" if rows[-1] or len(rows) > 1 else word
    return "\r\n".join(row[: MAX_LINE_OCTETS - 20] for row in rows)
