"""Everything about a message that is worked out once, at delivery, and stored beside its octets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailhost.protocols.caseless import casemap
from mailhost.protocols.message.address_list import GROUP_END, ListedAddress
from mailhost.protocols.message.base_subject import base_subject
from mailhost.protocols.message.body_structure import body_structure
from mailhost.protocols.message.dates import parse_date
from mailhost.protocols.message.envelope import AddressBudget, Correspondents, correspondents, envelope
from mailhost.protocols.message.header import Fields
from mailhost.protocols.message.leaves import is_attachment, leaves
from mailhost.protocols.message.part_map import pack_parts
from mailhost.protocols.message.preview import preview
from mailhost.protocols.message.scanner import LIMITS, Kind, Limits, Part, scan, scan_header
from mailhost.protocols.message.text import decode_charset, decode_words, one_line

MAX_REFERENCES = 100  # RFC 5322 sets no limit; longer threads keep their first message and the nearest ones
MAX_MESSAGE_ID_CHARACTERS = 998  # a line's length (RFC 5322 section 2.1.1); an index entry must stay bounded
MAX_TEXT_CHARACTERS = 1_000
MAX_TEXT_OCTETS = 8 * MAX_TEXT_CHARACTERS  # an encoded word spends up to this on a character or two

_EMPTY: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("envelope", "body_structure", "parts"), b""),
    **dict.fromkeys(
        ("from_display", "to_display", "sort_subject", "sort_from", "sort_to", "sort_cc", "preview"), ""
    ),
    "references": (),
    "sent_at": None,
    "has_attachments": False,
}

_MESSAGE_ID = re.compile(rb"<([^<>]{1,998})>")
_BLANKS = re.compile(rb"[\x00-\x20]+")


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """Where it is an outline() alone, body_structure is empty: it never is otherwise."""

    header_octets: int
    """With the blank line."""
    envelope: bytes
    body_structure: bytes
    """Both in IMAP wire form: quoted strings and literals, no 8-bit octets outside of literals."""
    parts: bytes
    """For PartMap.unpack."""
    message_id: str
    """With its angle brackets; "" where there is none."""
    references: tuple[str, ...]
    """Those of References, oldest first; without them the first one of In-Reply-To (RFC 5256 section 3)."""
    subject: str
    from_display: str
    to_display: str
    sort_subject: str
    """The base subject, sort_from and so on the first address's local part (RFC 5256), as casemap() has them."""
    sort_from: str
    sort_to: str
    sort_cc: str
    sent_at: datetime | None
    """From the Date field, in UTC."""
    preview: str
    has_attachments: bool


def work_out(octets: bytes, *, limits: Limits = LIMITS, root: Part | None = None) -> WorkedOut:
    """Never raises, whatever the octets; every text in it is free of NUL and surrogates.

    root: the structure, where it has been scanned already.
    """
    root = root or scan(octets, limits=limits)
    fields = root.fields
    addresses = correspondents(fields, AddressBudget.of(limits))
    subject = _display(root.field(b"subject") or b"")
    date = root.field(b"date")
    return WorkedOut(
        header_octets=root.body_start,
        envelope=envelope(fields, addresses),
        body_structure=body_structure(octets, root, limits=limits),
        parts=pack_parts(root),
        message_id=message_id_of(fields),
        references=references_of(fields),
        subject=subject,
        from_display=_names(addresses, b"from"),
        to_display=_names(addresses, b"to"),
        sort_subject=casemap(base_subject(subject)),
        sort_from=_sort_key(addresses, b"from"),
        sort_to=_sort_key(addresses, b"to"),
        sort_cc=_sort_key(addresses, b"cc"),
        sent_at=parse_date(date) if date else None,
        preview=preview(octets, root),
        has_attachments=_has_attachments(root),
    )


def outline(octets: bytes, *, limits: Limits = LIMITS) -> WorkedOut:
    """Of a message that no mailbox shows, at a third of the time: header_octets, message_id and subject are as in
    work_out(), all else is empty. Never raises.
    """
    root = scan_header(octets, limits=limits)
    return WorkedOut(
        header_octets=root.body_start,
        message_id=message_id_of(root.fields),
        subject=_display(root.field(b"subject") or b""),
        **_EMPTY,
    )


def body_only(octets: bytes, *, limits: Limits = LIMITS) -> bytes:
    """BODY, the form of BODYSTRUCTURE without extension data (RFC 9051 section 7.5.2)."""
    root = scan(octets, limits=limits)
    return body_structure(octets, root, limits=limits, is_extensible=False)


def _display(value: bytes) -> str:
    return one_line(decode_words(value[:MAX_TEXT_OCTETS]), limit=MAX_TEXT_CHARACTERS)


def _names(addresses: Correspondents, field: bytes) -> str:
    """Names for a list of messages: what each address is called, or the address itself."""
    names = []
    length = 0
    for address in addresses.get(field, ()):
        if address is GROUP_END or length > MAX_TEXT_CHARACTERS:
            continue
        name = _display(address.name or _spec(address))
        names.append(name)
        length += len(name)
    return ", ".join(names)[:MAX_TEXT_CHARACTERS]


def _spec(address: ListedAddress) -> bytes:
    mailbox = address.mailbox or b""
    return b"%b@%b" % (mailbox, address.host) if address.host else mailbox


def _sort_key(addresses: Correspondents, field: bytes) -> str:
    """RFC 5256 section 3: addr-mailbox of the first address; a group's is its name."""
    found = addresses.get(field)
    if not found:
        return ""
    mailbox = (found[0].mailbox or b"")[:MAX_TEXT_OCTETS]
    return one_line(casemap(decode_charset(mailbox, None)), limit=MAX_TEXT_CHARACTERS)


def message_id_of(fields: Fields) -> str:
    values = fields.get(b"message-id")
    if not values:
        return ""
    found = _ids(values[0])
    if found:
        return found[0]
    return one_line(decode_charset(values[0][:MAX_TEXT_OCTETS], None), limit=MAX_MESSAGE_ID_CHARACTERS)


def references_of(fields: Fields) -> tuple[str, ...]:
    found = tuple(_ids(b" ".join(fields.get(b"references", []))))
    if not found:
        return tuple(_ids(b" ".join(fields.get(b"in-reply-to", [])))[:1])
    return found if len(found) <= MAX_REFERENCES else (found[0], *found[1 - MAX_REFERENCES :])


def _ids(value: bytes) -> list[str]:
    """The message ids in it, with their brackets; blanks from broken folding are taken out."""
    found = []
    for inner in _MESSAGE_ID.findall(value):
        text = decode_charset(_BLANKS.sub(b"", inner), None)[: MAX_MESSAGE_ID_CHARACTERS - 2]
        if text:
            found.append(f"<{text}>")
    return found


def _has_attachments(root: Part) -> bool:
    if root.kind is Kind.LEAF and not root.fields.get(b"content-type"):
        return False
    return any(is_attachment(part) for part in leaves(root))
