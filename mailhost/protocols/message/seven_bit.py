"""A message with 8-bit octets for servers without 8BITMIME (RFC 6152 section 3): its parts become 7-bit (RFC 2045).

The structure stays as it is, and the message in a message is converted like the outer one. What is signed or encrypted
part by part must not be touched on the way (RFC 1847 section 2.1), and most of message/* cannot be encoded (RFC 2046
section 5.2): where 8-bit octets stand in those, the message cannot be converted.
"""

import base64
import binascii
import re
from typing import Final

from mailhost.protocols.message.downgrading import INVALID, downgrade_header
from mailhost.protocols.message.scanner import Kind, Part, scan
from mailhost.protocols.message.without_binary import CannotConvert, with_encoding, with_mime_version

_UNTOUCHABLE: Final = frozenset((b"multipart/signed", b"multipart/encrypted"))
_IDENTITY: Final = frozenset((b"", b"7bit", b"8bit", b"binary"))
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_ALL_HIGH: Final = bytes(range(0x80, 0x100))
# What the header says, also where the scanner could not divide it.
_CLOSED: Final = re.compile(rb"[ \t]*(?:multipart/|message/(?!global))", re.IGNORECASE)
# Above that base64 is shorter by far, and text in Latin letters is below: there readers without MIME see words.
_QUOTED_UP_TO: Final = 1 / 4


def to_seven_bit(octets: bytes) -> bytes:
    """The message in ASCII alone; the same object where it is. octets: in lines with CRLF. Raises CannotConvert."""
    if octets.isascii():
        return octets
    converted = _render(octets, scan(octets))
    return with_mime_version(converted)


def _render(octets: bytes, part: Part) -> bytes:
    whole = octets[part.header_start : part.body_end]
    if whole.isascii():
        return whole
    if part.content_type.media_type in _UNTOUCHABLE:
        raise CannotConvert(
            "The message has 8-bit octets in what is signed or encrypted, which the next server does not take."
        )
    header = _header(octets[part.header_start : part.body_start])
    body = octets[part.body_start : part.body_end]
    # message/global may be encoded as a whole (RFC 6532 section 3.7), and would lose its addresses otherwise.
    if part.kind is Kind.LEAF or part.content_type.media_type == b"message/global":
        return _leaf(header, body, part)
    pieces = []
    position = part.body_start
    for child in part.children:
        pieces += [_around(octets[position : child.header_start]), _render(octets, child)]
        position = child.body_end
    pieces.append(_around(octets[position : part.body_end]))
    if part.transfer_encoding.strip() in (b"8bit", b"binary"):
        header = with_encoding(header, b"7bit")
    return header + b"".join(pieces)


def _header(header: bytes) -> bytes:
    downgraded = downgrade_header(header)
    if not downgraded.isascii() or downgraded.count(INVALID.encode()) > header.count(INVALID.encode()):
        raise CannotConvert(
            "The message has a header with 8-bit octets, which the next server does not take."
        )
    return downgraded


def _leaf(header: bytes, body: bytes, part: Part) -> bytes:
    encoding = part.transfer_encoding.strip()
    if body.isascii():
        return header + body
    if encoding == b"base64":
        return header + body.translate(None, _ALL_HIGH)  # section 6.8: no part of it, every reader skips them
    if encoding == b"quoted-printable":
        return header + _HIGH.sub(lambda octet: b"=%02X" % octet[0][0], body)
    if encoding not in _IDENTITY or _CLOSED.match(part.field(b"content-type") or b""):
        raise CannotConvert(
            "The message has a part with 8-bit octets that cannot be encoded otherwise, and the next server does not "
            "take them."
        )
    high = len(body) - len(body.translate(None, _ALL_HIGH))
    if part.content_type.media_type.startswith(b"text/") and high <= len(body) * _QUOTED_UP_TO:
        return with_encoding(header, b"quoted-printable") + _quoted_printable(body)
    # The last CRLF belongs to the delimiter that follows, or is not missed.
    encoded = base64.encodebytes(body).replace(b"\n", b"\r\n")
    return with_encoding(header, b"base64") + encoded.removesuffix(b"\r\n")


def _quoted_printable(body: bytes) -> bytes:
    # binascii takes its line ends from the first one that it finds.
    return binascii.b2a_qp(b"\r\n" + body, istext=True).removeprefix(b"\r\n")


def _around(octets: bytes) -> bytes:
    """Text around the parts, which nobody reads. RFC 2046 section 5.1.1 gives it no meaning."""
    return _HIGH.sub(b"?", octets)
