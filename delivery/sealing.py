"""ARC sets on what strangers sent and an alias leads on (RFC 8617 section 5.1): the next host learns what we found.

The set says what our own Authentication-Results in the message say. Where there are none nothing was checked, and
nothing is sealed; nor where the chain came in broken: a DNS failure looks the same, and a seal that says "fail" is for
ever.
"""

import re
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings

from delivery.signing_keys import Signed, active_keys
from domains.models import DkimAlgorithm
from mailhost.net.secrets_at_rest import CannotDecrypt
from mailhost.protocols.arc import ChainStatus, ChainVerification, seal
from mailhost.protocols.authentication_results import authserv_id
from mailhost.protocols.dkim import CannotBeSigned, read_signed_message

log = structlog.get_logger(__name__)

# Ours has no comments; what is quoted is made of what strangers say, and counts for nothing here.
_QUOTED: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ARC: Final = re.compile(rb";\s*arc=([a-z]+)")


def seal_forwarded(octets: bytes, *, domain: str, now: datetime) -> Signed:
    """A set by the domain that passes the message on, with its RSA key: RFC 8617 readers know no other kind yet.

    octets: as they leave.
    """
    results = _own_results(octets)
    if results is None:
        return Signed(b"", "Not sealed: nothing was found out about it here.")
    found = _ARC.search(_QUOTED.sub(b"", results))
    status = found[1].decode() if found else ChainStatus.NONE.value
    if status not in (ChainStatus.NONE, ChainStatus.PASS):
        return Signed(b"", f"Not sealed: its chain came in as {status}.")
    _, keys = active_keys(domain)
    key = next((each for each in keys if each.algorithm == DkimAlgorithm.RSA), None)
    if key is None:
        return Signed(b"", f"Not sealed: {domain} has no active RSA key.")
    try:
        fields = seal(
            octets,
            chain=ChainVerification(ChainStatus(status), ""),
            authentication_results=results.decode("utf-8", errors="replace"),
            domain=key.domain,
            selector=key.selector,
            key=key.load(),
            now=now,
        )
    except (CannotBeSigned, CannotDecrypt, ValueError) as fact:
        log.error("a message cannot be sealed", domain=domain, reason=str(fact))
        return Signed(b"", f"Not sealed: {fact}")
    if not fields:
        return Signed(b"", "Not sealed: its chain is full.")
    return Signed(fields, f"ARC by {key.selector}._domainkey.{key.domain}.")


def _own_results(octets: bytes) -> bytes | None:
    """The value of our own Authentication-Results: the door took out every other one that speaks in our name."""
    for field in read_signed_message(octets).named(b"authentication-results"):
        if authserv_id(field.value) == settings.HOSTNAME.lower():
            return field.value
    return None
