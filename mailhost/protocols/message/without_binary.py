"""A message of MIME type "binary" for servers that take lines only (RFC 3030 section 3, RFC 2045 section 6).

Parts that have binary octets become base64, which loses none of them; the structure around them stays as it is, and
containers say what is in them now. What signs such a part itself is broken by that, as by any conversion.
"""

import base64
import re

from mailhost.protocols.message.header import change_fields
from mailhost.protocols.message.scanner import Kind, Part, scan

MAX_LINE_OCTETS = 998  # RFC 5322 section 2.1.1
_IDENTITY = frozenset((b"", b"7bit", b"8bit", b"binary"))
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_CONTAINER = re.compile(rb"[ \t]*(?:multipart/|message/(?:rfc822|global|partial))", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"(?:\A|(?<=[\r\n]))(?:\r\n|\r|\n)\Z")


class CannotConvert(Exception):
    """It has something in it that must not be encoded; the text is a sentence for the sender."""


def has_binary(octets: bytes) -> bool:
    """Whether something in it is not in lines of at most 998 octets that end in CRLF, or is a NUL."""
    if b"\0" in octets or _BARE.search(octets):
        return True
    return any(len(line) > MAX_LINE_OCTETS for line in octets.split(b"\r\n"))


def without_binary(octets: bytes) -> bytes:
    """The message with lines only, in 7-bit or 8-bit octets. Raises CannotConvert."""
    root = scan(octets)
    return with_mime_version(_render(octets, root))


def with_mime_version(octets: bytes) -> bytes:
    """The message with the field that makes it one of MIME (RFC 2045 section 4)."""
    return octets if b"mime-version" in _names(octets) else b"MIME-Version: 1.0\r\n" + octets


def _names(octets: bytes) -> set[bytes]:
    header, _, _ = octets.partition(b"\r\n\r\n")
    return {line.partition(b":")[0].strip().lower() for line in header.split(b"\r\n")}


def _render(octets: bytes, part: Part) -> bytes:
    header = _LINE_END.sub(b"\r\n", octets[part.header_start : part.body_start])
    if part.kind is Kind.LEAF:
        return _leaf(header, octets[part.body_start : part.body_end], part)
    pieces = []
    position = part.body_start
    for child in part.children:
        pieces += [_lines(octets[position : child.header_start]), _render(octets, child)]
        position = child.body_end
    pieces.append(_lines(octets[position : part.body_end]))
    body = b"".join(pieces)
    if part.transfer_encoding.strip() == b"binary":
        header = with_encoding(header, b"7bit" if body.isascii() else b"8bit")
    return header + body


def _leaf(header: bytes, body: bytes, part: Part) -> bytes:
    encoding = part.transfer_encoding.strip()
    if encoding not in _IDENTITY:
        return header + _lines(body)  # encoded in lines already
    if not has_binary(body):
        if encoding == b"binary":
            header = with_encoding(header, b"7bit" if body.isascii() else b"8bit")
        return header + body
    if _CONTAINER.match(part.field(b"content-type") or b""):
        # A container whose parts cannot be told apart.
        raise CannotConvert("The message has binary octets that cannot be put into lines of text.")
    # The last CRLF belongs to the delimiter that follows, or is not missed.
    encoded = base64.encodebytes(body).replace(b"\n", b"\r\n")
    return with_encoding(header, b"base64") + encoded.removesuffix(b"\r\n")


def _lines(octets: bytes) -> bytes:
    """Text around the parts, which nobody reads, in lines. RFC 2046 section 5.1.1 gives it no meaning."""
    octets = _LINE_END.sub(b"\r\n", octets).replace(b"\0", b"")
    if not has_binary(octets):
        return octets
    return b"\r\n".join(
        line[start : start + MAX_LINE_OCTETS]
        for line in octets.split(b"\r\n")
        for start in range(0, len(line) or 1, MAX_LINE_OCTETS)
    )


def with_encoding(header: bytes, encoding: bytes) -> bytes:
    """The header with this Content-Transfer-Encoding alone, and with a blank line at its end."""
    fields = change_fields(
        header, lambda name, _, field: b"" if name == b"content-transfer-encoding" else field
    )
    fields = _BLANK_LINE.sub(b"", fields)
    if fields and not fields.endswith(b"\r\n"):
        fields += b"\r\n"
    return fields + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n"
