"""VERP: a reverse-path for one recipient of one message, so that a bounce is known by where it comes to, whatever it
quotes. No standard has the form; the idea is Bernstein's.

verp=day=message=recipient=hash@domain: two numbers in base 32, the day until which the message is tried, and an HMAC
over all of it, without case, as hosts on the way may change that. At most 57 octets before the @, below RFC 5321's 64;
neither a sub-address nor a quoted string, and never taken for SRS's or BATV's (prvs=) rewriting.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS, EmailAddress
from mailhost.protocols.day_stamps import day_stamp, days_since

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"
_PREFIX: Final = "verp="
_NUMBER: Final = r"[0-9a-v]{1,13}"  # 63 bits
_FORM = re.compile(rf"verp=([a-z2-7]{{2}})=({_NUMBER})=({_NUMBER})=([a-z2-7]{{16}})", re.IGNORECASE)
_HASH_OCTETS: Final = 10  # 16 characters
_FUTURE_DAYS: Final = 400  # a message may wait for its time before it is tried


class VerpInvalid(ValueError):
    """No such address of ours, or not any more; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class SentTo:
    """What a bounce to the address is about: the ids of a queued message and of its recipient."""

    message_id: int
    recipient_id: int


def is_bounce_address(local_part: str) -> bool:
    """Whether it looks like one, of ours or of somebody else's."""
    return local_part[: len(_PREFIX)].lower() == _PREFIX


def bounce_address(sent_to: SentTo, *, domain: str, until: datetime, secret: bytes) -> EmailAddress:
    """The reverse-path for that recipient; until: when the message is given up. VerpInvalid: it would be too long."""
    text = f"{day_stamp(until)}={_number(sent_to.message_id)}={_number(sent_to.recipient_id)}".lower()
    address = EmailAddress(f"{_PREFIX}{text}={_hash(secret, domain, text)}", domain)
    if len(str(address)) > MAX_ADDRESS_OCTETS:
        raise VerpInvalid("The address would be too long.")
    return address


def read_bounce_address(
    address: EmailAddress, *, secrets: Sequence[bytes], now: datetime, max_days: int
) -> SentTo:
    """What was sent with it. Raises VerpInvalid: forged, or more than so many days after the message was given up."""
    found = _FORM.fullmatch(address.local_part)
    if found is None:
        raise VerpInvalid("That is no such address.")
    text, given = "=".join(found.groups()[:3]).lower(), found[4].lower()
    hashes = [_hash(secret, address.domain, text) for secret in secrets]
    if not any(hmac.compare_digest(each, given) for each in hashes):
        raise VerpInvalid("It was not made here.")
    if days_since(found[1], now=now, future_days=_FUTURE_DAYS) > max_days:
        raise VerpInvalid("It has expired.")
    return SentTo(int(found[2], 32), int(found[3], 32))


def _number(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 32)
        digits = _DIGITS[digit] + digits
    return digits


def _hash(secret: bytes, domain: str, text: str) -> str:
    compared = f"verp\0{domain}\0{text}".encode("utf-8", errors="replace")
    digest = hmac.new(secret, compared, hashlib.sha256).digest()
    return base64.b32encode(digest[:_HASH_OCTETS]).decode("ascii").lower()
