"""Mail to a bounce address (VERP) that is no notice of a failure: an answer of a program, a delay, a confirmation.

It is mail to the sender of what it is about, and must pass what all mail to the sender does: where it comes from, what
filters say, what the account lets in. Who has got one message knows a bounce address, and MAILER-DAEMON is a name that
anybody can take. Refusing it instead would keep from people that the one they wrote to is away (RFC 3834 section 4 has
such answers sent to the Return-Path).
"""

from collections.abc import Sequence
from datetime import datetime

from delivery.returns.arriving import sender_of, tells_of_failure
from delivery.routing import Route, route
from domains.exceptions import AddressNotFound
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath


def lead_back(octets: bytes, *, addresses: Sequence[EmailAddress], now: datetime) -> list[Route] | None:
    """Where each of these bounce addresses leads, as far as the senders are known here still; None where it is a notice
    of a failure, which the worker settles (returns/arriving.py).

    Raises AddressNotFound, and what route does.
    """
    if tells_of_failure(octets):
        return None
    return [_lead_back(each, len(octets), now) for each in addresses]


def _lead_back(address: EmailAddress, size_octets: int, now: datetime) -> Route:
    sender = sender_of(address, now=now)
    if sender is None:
        raise AddressNotFound(str(address))
    found = route(forward_path=ForwardPath(sender), size_octets=size_octets)
    if found.comes_back:  # somebody has submitted with a bounce address as the sender's
        raise AddressNotFound(str(address))
    return found
