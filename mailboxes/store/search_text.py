"""What SEARCH compares: header fields and text parts of a message, decoded and folded; and the words they are made of.

The index (search_index.py) and the reading of a message (search_candidates.py) take their text from here alone, so that
they cannot disagree.
"""

import codecs
import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from mailboxes.store import structure
from mailhost.protocols.caseless import fold
from mailhost.protocols.message.html_text import text_of_html
from mailhost.protocols.message.leaves import disposition_of, filename_of
from mailhost.protocols.message.parameters import parameter
from mailhost.protocols.message.scanner import Kind, Part, scan
from mailhost.protocols.message.text import codec_of, decode_charset, decode_transfer, decode_words

WINDOW_OCTETS = 1 << 20  # of a text part that is decoded and folded at once: folding takes several times that
# Text of one message that is indexed. Whatever has more (a log, an export) is read by every search that cannot be
# answered without it, so nothing is missed; its words would fill the index that all searches read.
MAX_INDEXED_OCTETS = 1 << 20

_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD_END = re.compile(rb"(?>\r\n|\r|\n)(?![ \t])")
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:")
_BLANKS = " \t\r\n"


class Area(IntEnum):
    """Where words stand. In BODY and HEADERS an entry is what stands between blanks, elsewhere a whole value."""

    BODY = 0
    HEADERS = 1
    NAMES = 2  # of the fields of the message's own header
    FROM = 3
    TO = 4
    CC = 5
    BCC = 6
    SUBJECT = 7


FIELD_AREAS = {
    "from": Area.FROM,
    "to": Area.TO,
    "cc": Area.CC,
    "bcc": Area.BCC,
    "subject": Area.SUBJECT,
}


class Field(NamedTuple):
    """A header field. `value` is part of `line`."""

    name: str  # in lower case; "" for what is no field
    value: str
    line: str


def read_fields(header: bytes) -> list[Field]:
    """The fields of one header, in their order; a line that is no field too."""
    fields = []
    for octets in _FIELD_END.split(header):
        if not octets:
            continue
        octets = _LINE_END.sub(b"", octets)
        found = _FIELD.match(octets)
        if found is None:
            fields.append(Field("", "", fold(decode_words(octets))))
            continue
        name = found[1].decode("ascii")
        value = decode_words(octets[found.end() :])
        fields.append(Field(name.lower(), fold(value.strip(_BLANKS)), fold(f"{name}:{value}")))
    return fields


def parts_of(octets: bytes, root: Part | None = None) -> list[Part]:
    """All parts, those of messages in it too, in their order. root: of these octets, where it has been read before."""
    waiting = [root or scan(octets, limits=structure.limits())]
    parts = []
    while waiting:
        part = waiting.pop()
        parts.append(part)
        waiting.extend(reversed(part.children))
    return parts


def headers(octets: bytes, parts: list[Part]) -> Iterator[str]:
    """The header of the message, and those of its parts and of messages in it; and file names as people see them."""
    return _headers(octets, parts, read_fields(octets[: parts[0].body_start]))


def _headers(octets: bytes, parts: list[Part], first: list[Field]) -> Iterator[str]:
    for number, part in enumerate(parts):
        fields = read_fields(octets[part.header_start : part.body_start]) if number else first
        yield "\n".join(field.line for field in fields)
        if part.kind is not Kind.MULTIPART and (filename := filename_of(part, disposition_of(part))):
            yield fold(filename)


def bodies(octets: bytes, parts: list[Part], *, overlap: int) -> Iterator[str]:
    """The text parts, HTML as its reader sees it; a large one in stretches that overlap by so many characters."""
    for part in parts:
        if not is_text(part):
            continue
        body = decode_transfer(octets[part.body_start : part.body_end], part.transfer_encoding)
        stretches = _decoded(body, parameter(part.content_type.parameters, b"charset"))
        if part.content_type.media_type == b"text/html":
            stretches = _without_markup(stretches)
        before = ""
        for stretch in stretches:
            text = fold(before + stretch)
            yield text
            before = text[-overlap:] if overlap else ""


def is_text(part: Part) -> bool:
    return part.kind is Kind.LEAF and part.content_type.media_type.startswith(b"text/")


def _decoded(body: bytes, charset: bytes | None) -> Iterator[str]:
    if len(body) <= WINDOW_OCTETS:
        yield decode_charset(body, charset)
        return
    codec = codec_of(charset[:64].decode("ascii", "replace")) if charset else None
    decoder = codecs.getincrementaldecoder(codec or "utf-8")("replace")
    for start in range(0, len(body), WINDOW_OCTETS):
        yield decoder.decode(body[start : start + WINDOW_OCTETS])


def _without_markup(stretches: Iterator[str]) -> Iterator[str]:
    """What is cut off inside of a tag goes to the next stretch; a script that is cut becomes text."""
    cut = ""
    for stretch in stretches:
        source = cut + stretch
        cut = ""
        if len(stretch) > WINDOW_OCTETS // 8 and source.rfind("<") > source.rfind(">"):
            source, cut = source[: source.rfind("<")], source[source.rfind("<") :]
        yield text_of_html(source)
    if cut:
        yield text_of_html(cut)


Words = dict[Area, set[bytes]]


def words_of(octets: bytes) -> Words | None:
    """The message's entries for each area, in UTF-8; None where there is more text than is indexed."""
    parts = parts_of(octets)
    text_octets = sum(_text_octets(part) for part in parts)
    if text_octets > MAX_INDEXED_OCTETS:
        return None
    words: Words = {area: set() for area in Area}
    for text in bodies(octets, parts, overlap=0):
        words[Area.BODY].update(pieces(text))
    fields = read_fields(octets[: parts[0].body_start])
    for text in _headers(octets, parts, fields):
        words[Area.HEADERS].update(pieces(text))
    for field in fields:
        if field.name:
            words[Area.NAMES].add(field.name.encode())
            area = FIELD_AREAS.get(field.name)
            if area is not None:
                words[area].add(to_octets(field.value))
    # Folding makes of an octet up to eleven. Only of much text that could be too much.
    if text_octets > MAX_INDEXED_OCTETS // 16 and _octets(words) > MAX_INDEXED_OCTETS:
        return None
    return words


def pieces(text: str) -> list[bytes]:
    """What stands between blanks, in UTF-8. The blanks of ASCII: folding made most others of Unicode a space."""
    return to_octets(text).split()


def to_octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a needle may hold half of a surrogate pair; no text does


def _octets(words: Words) -> int:
    return sum(len(entry) for entries in words.values() for entry in entries)


def _text_octets(part: Part) -> int:
    return part.body_start - part.header_start + (part.body_end - part.body_start if is_text(part) else 0)
