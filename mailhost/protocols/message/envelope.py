"""ENVELOPE in wire form (RFC 9051 section 7.5.2, RFC 3501 section 7.4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailhost.protocols.message.address_list import ListedAddress, parse_address_list
from mailhost.protocols.message.header import Fields
from mailhost.protocols.message.scanner import Limits
from mailhost.protocols.message.wire import nstring

Correspondents = dict[bytes, list[ListedAddress]]
"""Field name -> its addresses."""

_ADDRESS_FIELDS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
_JOINED = frozenset(
    (b"to", b"cc", b"bcc")
)  # RFC 5322 allows one field each; where there are more, all are told


@dataclass(slots=True)
class AddressBudget:
    """How much of address fields may still be read, over all envelopes of one message."""

    addresses: int
    octets: int

    @classmethod
    def of(cls, limits: Limits) -> "AddressBudget":
        return cls(limits.addresses, limits.address_octets)


def correspondents(fields: Fields, budget: AddressBudget) -> Correspondents:
    """The addresses of the fields that are there, as far as the budget goes, which is lowered."""
    found: Correspondents = {}
    for name in _ADDRESS_FIELDS:
        values = fields.get(name)
        if values:
            value = b", ".join(values) if name in _JOINED and len(values) > 1 else values[0]
            value = value[: budget.octets]
            addresses = parse_address_list(value)[: budget.addresses]
            budget.octets -= len(value)
            budget.addresses -= len(addresses)
            found[name] = addresses
    return found


def envelope(fields: Fields, addresses: Correspondents) -> bytes:
    """Encoded words stay encoded. NIL for a field that is absent, "" for one that is empty; Sender and Reply-To
    default to From."""
    from_ = _address_list(addresses.get(b"from"))
    sender = addresses.get(b"sender")
    reply_to = addresses.get(b"reply-to")
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _text(fields, b"date"),
        _text(fields, b"subject"),
        from_,
        _address_list(sender) if sender else from_,
        _address_list(reply_to) if reply_to else from_,
        _address_list(addresses.get(b"to")),
        _address_list(addresses.get(b"cc")),
        _address_list(addresses.get(b"bcc")),
        _text(fields, b"in-reply-to"),
        _text(fields, b"message-id"),
    )


def _text(fields: Fields, name: bytes) -> bytes:
    values = fields.get(name)
    return nstring(values[0]) if values else b"NIL"


def _address_list(addresses: Sequence[ListedAddress] | None) -> bytes:
    if not addresses:
        return b"NIL"
    return b"(%b)" % b"".join(
        [
            b"(%b %b %b %b)" % (nstring(name), nstring(route), nstring(mailbox), nstring(host))
            for name, route, mailbox, host in addresses
        ]
    )
