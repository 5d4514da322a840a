"""Content-Type and Content-Disposition values and their parameters (RFC 2045 section 5.1, RFC 2183, RFC 2231)."""

import re
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

Parameters = tuple[tuple[bytes, bytes], ...]


class ContentType(NamedTuple):
    type: bytes
    subtype: bytes
    parameters: Parameters
    media_type: bytes
    """type/subtype in lower case, to compare with."""


class Disposition(NamedTuple):
    type: bytes
    parameters: Parameters


TEXT_PLAIN = ContentType(
    b"text", b"plain", ((b"charset", b"us-ascii"),), b"text/plain"
)  # RFC 2045 section 5.2
MESSAGE_RFC822 = ContentType(b"message", b"rfc822", (), b"message/rfc822")
OCTET_STREAM = ContentType(b"application", b"octet-stream", (), b"application/octet-stream")

_TOKEN = rb'[^\x00-\x20\x7f()<>@,;:\\"/\[\]?=]++'
_MEDIA_TYPE = re.compile(rb"[ \t]*+(" + _TOKEN + rb")[ \t]*+/[ \t]*+(" + _TOKEN + rb")")
_DISPOSITION_TYPE = re.compile(rb"[ \t]*+(" + _TOKEN + rb")")
_PARAMETER = re.compile(
    rb';[ \t]*+([^\x00-\x20;="]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)["\\]?|([^;"]*+))', re.DOTALL
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_COMMENT_PIECE = re.compile(rb'"(?:[^"\\]++|\\.)*+["\\]?|\\.|[()]|[^"()\\]++|\\', re.DOTALL)
_EXTENDED_NAME = re.compile(rb"([^*]++)(?:\*([0-9]{1,4}+))?(\*)?")


def parse_content_type(value: bytes) -> ContentType | None:
    """None where the value is no media type: the default of the place applies then."""
    if b"(" in value:
        value = without_comments(value)
    found = _MEDIA_TYPE.match(value)
    if found is None:
        return None
    return ContentType(
        found[1],
        found[2],
        _parse_parameters(value, found.end()),
        b"%b/%b" % (found[1].lower(), found[2].lower()),
    )


def parse_disposition(value: bytes) -> Disposition | None:
    if b"(" in value:
        value = without_comments(value)
    found = _DISPOSITION_TYPE.match(value)
    return None if found is None else Disposition(found[1], _parse_parameters(value, found.end()))


def parameter(parameters: Parameters, name: bytes) -> bytes | None:
    """The first parameter of that (lower-case) name as it stands, without the extended form."""
    for key, value in parameters:
        if key.lower() == name:
            return value
    return None


def extended_parameter(parameters: Parameters, name: bytes) -> tuple[bytes, bytes | None] | None:
    """(octets, charset or None) of `name*` where it is there (RFC 2231 section 4), or else of `name`."""
    encoded = parameter(parameters, name + b"*")
    if encoded is not None and encoded.count(b"'") >= 2:
        charset, _, text = encoded.split(b"'", 2)
        return unquote_to_bytes(text), charset or None
    plain = parameter(parameters, name)
    return None if plain is None else (plain, None)


def without_comments(value: bytes) -> bytes:
    """Comments may stand between any two tokens and may nest (RFC 5322 section 3.2.2)."""
    depth = 0
    kept = []
    for piece in _COMMENT_PIECE.findall(value):
        if piece == b"(":
            depth += 1
        elif piece == b")":
            depth = max(depth - 1, 0)
        elif not depth:
            kept.append(piece)
    return b"".join(kept)


def _parse_parameters(value: bytes, at: int) -> Parameters:
    found = []
    is_extended = False
    for name, quoted, bare in _PARAMETER.findall(value, at):
        if bare:
            text = bare.strip()
            if b" " in text and not name.lower().startswith((b"name", b"filename")):
                text = text.split(None, 1)[
                    0
                ]  # only file names are known to be sent with blanks and no quotes
        else:
            text = _QUOTED_PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        is_extended = is_extended or b"*" in name
        found.append((name, text))
    return _join_continuations(found) if is_extended else tuple(found)


def _join_continuations(found: list[tuple[bytes, bytes]]) -> Parameters:
    """`name*0*=… name*1=…` becomes one `name*`, as BODYSTRUCTURE has to give it (RFC 2231 sections 3 and 6)."""
    joined: list[tuple[bytes, bytes]] = []
    sections: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    for name, text in found:
        parsed = _EXTENDED_NAME.fullmatch(name)
        if parsed is None or parsed[2] is None:
            joined.append((name, text))
            continue
        sections.setdefault(parsed[1], {}).setdefault(int(parsed[2]), (text, parsed[3] is not None))
    for name, numbered in sections.items():
        pieces = []
        for number in range(len(numbered)):  # a gap ends the value
            if number not in numbered:
                break
            pieces.append(numbered[number])
        if any(is_encoded for _, is_encoded in pieces):
            text = b"".join(
                text if is_encoded else quote_from_bytes(text).encode() for text, is_encoded in pieces
            )
            joined.append((name + b"*", text))
        else:
            joined.append((name, b"".join(text for text, _ in pieces)))
    return tuple(joined)
