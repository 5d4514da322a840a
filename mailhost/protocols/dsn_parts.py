"""The parts of a notification as MIME (RFC 6522): words, the report, and the message or its header given back."""

import base64
import quopri
import re
from typing import Final

MAX_ORIGINAL_HEADER_OCTETS: Final = 64 * 1024  # of a header that is quoted: enough to know the message again
MAX_LINE_OCTETS: Final = 998  # RFC 5322 section 2.1.1
_LINE_END = re.compile(rb"\r\n|\r|\n")


def part(kind: str, octets: bytes, description: str, *, is_8bit: bool = False) -> bytes:
    """A MIME part in short lines, whatever was in it; of 7-bit octets, unless 8-bit ones may stand as they are."""
    if (is_8bit or octets.isascii()) and _has_plain_lines(octets):
        encoding, body = "7bit" if octets.isascii() else "8bit", octets
    else:
        encoded = quopri.encodestring(octets.replace(b"\r\n", b"\n"))
        encoding, body = "quoted-printable", encoded.replace(b"\n", b"\r\n")
    header = f"Content-Description: {description}\r\nContent-Type: {kind}\r\n"
    return f"{header}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii") + body


def original_header_part(header: bytes, *, is_8bit: bool = False) -> bytes:
    """RFC 6522 section 4; a header in UTF-8 is message/global-headers, as it is where that may be (RFC 6533 section
    6.3)."""
    kept = header[:MAX_ORIGINAL_HEADER_OCTETS]
    if len(kept) < len(header):
        kept = kept[: kept.rfind(b"\n") + 1]
    kept = _LINE_END.sub(b"\r\n", kept.rstrip(b"\r\n")) + b"\r\n"
    is_utf8 = not kept.isascii() and _is_utf8(kept)
    kind = "message/global-headers" if is_utf8 else "text/rfc822-headers"
    return part(kind, kept, "Header of your message", is_8bit=is_8bit and is_utf8)


def original_message_part(message: bytes, *, header_octets: int, is_8bit: bool = False) -> bytes | None:
    """The whole message: one with a header in UTF-8 as message/global (RFC 6533 section 6), in base64 unless 8-bit
    headers may stand as they are.

    None where message/rfc822 cannot carry it: RFC 2046 section 5.2.1 allows no encoding there, so another header beyond
    ASCII, long lines and binary octets are out.
    """
    header = message[:header_octets]
    lines = _LINE_END.sub(b"\r\n", message)
    if header.isascii():
        if not _has_plain_lines(lines):
            return None
        kind, encoding, body = "message/rfc822", "7bit" if lines.isascii() else "8bit", lines
    elif not _is_utf8(header):
        return None
    elif is_8bit and _has_plain_lines(lines):
        kind, encoding, body = "message/global", "8bit", lines
    else:
        kind, encoding, body = "message/global", "base64", base64.encodebytes(message).replace(b"\n", b"\r\n")
    about = f"Content-Description: Your message\r\nContent-Type: {kind}\r\n"
    return f"{about}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii") + body


def _has_plain_lines(octets: bytes) -> bool:
    return b"\0" not in octets and all(len(line) <= MAX_LINE_OCTETS for line in octets.split(b"\r\n"))


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
