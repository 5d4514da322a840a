"""SRS: a reverse-path of the forwarding domain that leads bounces back to the sender, so that SPF holds for what is
passed on (RFC 7208 section 10.2 names the idea; the format is the one of Shevek's paper, which other hosts write too).

SRS0=hash=day=domain=local-part@forwarder, and for what was rewritten elsewhere SRS1=hash=host=rest@forwarder, which
leads to SRS0rest@host. The hash is over what is compared without case, as hosts on the way may change that.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress, canonical_local_part
from mailhost.protocols.day_stamps import day_stamp, days_since

_SRS = re.compile(r"SRS([01])([=+\-])(.*)", re.IGNORECASE | re.DOTALL)
_HASH_OCTETS: Final = 5  # 8 characters; 40 bits, and each guess is a refused recipient


class SrsInvalid(ValueError):
    """No rewritten address of ours, or not any more; the text is a sentence for people."""


def is_rewritten(local_part: str) -> bool:
    """Whether it looks like SRS, of ours or of somebody else's."""
    return _SRS.match(local_part) is not None


def rewrite(address: EmailAddress, *, domain: str, secret: bytes, now: datetime) -> EmailAddress:
    """The reverse-path for a message from address that domain passes on. SrsInvalid where it would be too long."""
    found = _SRS.match(address.local_part)
    if found is None:
        text = f"{day_stamp(now)}={address.domain}={address.local_part}"
        local_part = f"SRS0={_hash(secret, domain, 'SRS0', text)}={text}"
    else:
        text = _text_of_srs1(found, address.domain)
        local_part = f"SRS1={_hash(secret, domain, 'SRS1', text)}={text}"
    return _parsed(local_part, domain)


def reverse(address: EmailAddress, *, secrets: Sequence[bytes], now: datetime, max_days: int) -> EmailAddress:
    """Where a bounce to the rewritten address leads. Raises SrsInvalid: forged, or too old."""
    found = _SRS.match(address.local_part)
    given, _, text = found[3].partition("=") if found else ("", "", "")
    if found is None or not text:
        raise SrsInvalid("That is no rewritten address.")
    kind = f"SRS{found[1]}"
    hashes = [_hash(secret, address.domain, kind, text) for secret in secrets]
    if not any(hmac.compare_digest(each, given.upper().encode()) for each in map(str.encode, hashes)):
        raise SrsInvalid("It was not made here.")
    if kind == "SRS1":
        host, _, rest = text.partition("=")
        return _parsed(f"SRS0{rest}", host)
    day, _, original = text.partition("=")
    if _age(day, now) > max_days:
        raise SrsInvalid("It has expired.")
    domain, _, local_part = original.partition("=")
    return _parsed(local_part, domain)


def _text_of_srs1(found: re.Match[str], domain: str) -> str:
    """SRS0 of another host: its name, and everything behind SRS0. SRS1 of another: the same, without its hash."""
    if found[1] == "0":
        return f"{domain}={found[2]}{found[3]}"
    _, _, text = found[3].partition("=")
    host, _, rest = text.partition("=")
    if not host or not rest:  # made by somebody with other rules: it is an address as any other
        raise SrsInvalid("The address is SRS1 of a form that is not known.")
    return text


def _parsed(local_part: str, domain: str) -> EmailAddress:
    """By the lenient rules: rewritten addresses are longer than the 64 octets of RFC 5321 section 4.5.3.1.1."""
    try:
        quoted = EmailAddress(local_part, domain)
        return EmailAddress.parse(str(quoted), is_lenient=True)
    except AddressSyntaxError as error:
        raise SrsInvalid(f"The address cannot be written: {error}") from error


def _hash(secret: bytes, domain: str, kind: str, text: str) -> str:
    compared = "\0".join((kind, domain, canonical_local_part(text)))
    digest = hmac.new(secret, compared.encode("utf-8", errors="replace"), hashlib.sha256).digest()
    return base64.b32encode(digest[:_HASH_OCTETS]).decode("ascii")


def _age(day: str, now: datetime) -> int:
    """In days; what is of tomorrow (clocks differ) is of today."""
    try:
        return max(0, days_since(day, now=now, future_days=1))
    except ValueError as error:
        raise SrsInvalid(str(error)) from error
