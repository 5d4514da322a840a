"""A message that is handed in whole (RFC 5322), made ready to leave: what the submission door asks of it is asked here
too (RFC 6409 sections 6.1, 8.2 and 8.3), and fields that nobody is to see are cut out.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings

from delivery.routing import may_send_as
from delivery.submission.handing_in import SenderRefused
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.header import Field, header_end, is_well_formed, scan_fields, without_fields
from mailhost.protocols.smtp.message_data import has_bare_line_end, has_line_longer_than
from mailhost.protocols.smtp.originators import parse_originators
from mailhost.protocols.smtp.trace_fields import date_field, message_id_field

# RFC 5322 section 3.6.3: who gets a blind copy is told to nobody. Return-Path is for final delivery (RFC 5321 4.4).
REMOVED: Final = frozenset({b"bcc", b"resent-bcc", b"return-path"})
MAX_ORIGINATORS: Final = 20  # each is looked up; messages with two are rare

_BARE_LF = re.compile(rb"(?<!\r)\n")
_MESSAGE_ID = re.compile(rb"\s*(<[!-;=?-~]{1,900}>)\s*")


class RawInvalid(Exception):
    """It is no message that can be sent; the text is a sentence."""


def complete_raw(octets: bytes, *, account_id: int, now: datetime) -> tuple[bytes, str]:
    """The message as it leaves, with CRLF, Date and Message-ID, and the latter. Raises RawInvalid, SenderRefused."""
    octets = _BARE_LF.sub(b"\r\n", octets)
    header = octets[: header_end(octets)]
    fields = scan_fields(header)
    _require_bounds(octets, header, fields)
    _require_own(header, fields, account_id=account_id)
    octets = without_fields(octets, [each for each in fields if each.name in REMOVED])
    added = b""
    if not any(each.name == b"date" for each in fields):
        added += date_field(now)
    ids = [each for each in fields if each.name == b"message-id"]
    if not ids:
        field = message_id_field(unique=secrets.token_hex(16), host=settings.HOSTNAME)
        return added + field + octets, field.partition(b":")[2].strip().decode()
    found = _MESSAGE_ID.fullmatch(header[ids[0].value_start : ids[0].end])
    if len(ids) > 1 or found is None:
        raise RawInvalid("The message needs one Message-ID, or none.")
    return added + octets, found[1].decode()


def _require_bounds(octets: bytes, header: bytes, fields: Sequence[Field]) -> None:
    if b"\0" in octets or has_bare_line_end(octets):
        raise RawInvalid("The message has a NUL, or a CR without LF.")
    if has_line_longer_than(octets, settings.SMTP_MAX_LINE_OCTETS):
        raise RawInvalid("The message has a line that is too long.")
    if len(header) > settings.SMTP_MAX_HEADER_OCTETS or len(fields) > settings.SMTP_MAX_HEADER_FIELDS:
        raise RawInvalid("The header of the message is too long.")
    if not fields or not is_well_formed(header):
        raise RawInvalid("The header has a line that is no field, or there is none.")


def _require_own(header: bytes, fields: Sequence[Field], *, account_id: int) -> None:
    """One From, at most one Sender, and the account may write as all in them."""
    authors = [each for each in fields if each.name == b"from"]
    senders = [each for each in fields if each.name == b"sender"]
    if len(authors) != 1 or len(senders) > 1:
        raise RawInvalid("The message needs one From field, and one Sender field at most.")
    addresses: list[EmailAddress] = []
    for field in (*authors, *senders):
        try:
            addresses += parse_originators(header[field.value_start : field.end])
        except AddressSyntaxError as error:
            raise RawInvalid(f"From or Sender cannot be read: {error}") from error
    if not addresses or len(addresses) > MAX_ORIGINATORS:
        raise RawInvalid("The From field has no address, or too many.")
    for address in addresses:
        if not may_send_as(account_id=account_id, addresses=[address]):
            raise SenderRefused(address)
