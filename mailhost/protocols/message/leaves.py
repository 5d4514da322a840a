"""What the leaves of a message are to people: its text, its attachments, their names."""

from collections.abc import Iterator

from mailhost.protocols.message.parameters import Disposition, extended_parameter, parse_disposition
from mailhost.protocols.message.scanner import Kind, Part
from mailhost.protocols.message.text import decode_charset, decode_words

# Parts that belong to the message's security or to Outlook, not to its reader.
_NOT_FOR_READERS = frozenset(
    (
        b"application/pgp-signature",
        b"application/pgp-encrypted",
        b"application/pkcs7-signature",
        b"application/x-pkcs7-signature",
    )
)
_BODY_TYPES = frozenset((b"text/plain", b"text/html"))


def disposition_of(part: Part) -> Disposition | None:
    value = part.field(b"content-disposition")
    return parse_disposition(value) if value else None


def filename_of(part: Part, disposition: Disposition | None) -> str:
    """The name that the sender gave, decoded but not made safe for a file system; "" where there is none."""
    found = extended_parameter(disposition.parameters, b"filename") if disposition else None
    if found is None:
        found = extended_parameter(part.content_type.parameters, b"name")
    if found is None:
        return ""
    octets, charset = found
    # RFC 2047 section 5 forbids encoded words in parameters; many send them all the same.
    return decode_charset(octets, charset) if charset else decode_words(octets)


def is_attachment(part: Part) -> bool:
    """Whether a leaf (or a message/rfc822 part) is told to people as an attachment, not shown in the text."""
    media_type = part.content_type.media_type
    disposition = disposition_of(part)
    if disposition is not None and disposition.type.lower() == b"attachment":
        return True
    if media_type in _NOT_FOR_READERS:
        return False
    if media_type in _BODY_TYPES:
        return bool(filename_of(part, disposition))
    if media_type.startswith((b"image/", b"audio/", b"video/")):
        return part.field(b"content-id") is None  # with one it stands inside the HTML
    if media_type.startswith(b"text/"):
        return bool(filename_of(part, disposition))  # text/calendar as an alternative of the text
    return True


def leaves(part: Part) -> Iterator[Part]:
    """The leaves of the message itself; what is inside of attached messages stays inside."""
    if part.kind is not Kind.MULTIPART:
        yield part
        return
    for child in part.children:
        yield from leaves(child)


def first_text(root: Part) -> Part | None:
    """The first part that is the message's text."""
    for part in leaves(root):
        if part.content_type.media_type in _BODY_TYPES and not is_attachment(part):
            return part
    return None
