"""The header of a message as it passes through: found, counted and cut on octets (RFC 5322 section 2.2).

A few regular expressions and no parser: each message that comes in goes through here.
"""

import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass

# field-name = 1*ftext, then ":"; blanks before the colon are obsolete syntax (RFC 5322 section 4.5.8)
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:", re.MULTILINE)
_FIRST_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_FIELD_START = re.compile(rb"^[^ \t\r\n]", re.MULTILINE)
# Readers see a line end in a bare CR too (it leaves this host as CRLF), and so a field behind it. Slower: asked for
# where there is one.
_FIELD_BEHIND_CR = re.compile(rb"(?<![^\r\n])([!-9;-~]+)[ \t]*:")
_FIELD_START_BEHIND_CR = re.compile(rb"(?<![^\r\n])[^ \t\r\n]")


@dataclass(frozen=True, slots=True)
class Field:
    """name in lower case. The field runs from start to end, its value from value_start to end (line end too)."""

    name: bytes
    start: int
    value_start: int
    end: int


def header_end(octets: bytes) -> int:
    """Where the header ends: the offset behind its last line. Bare LF counts as a line end."""
    if octets[:2] == b"\r\n" or octets[:1] == b"\n":
        return 0
    end = octets.find(b"\n\r\n")
    bare = octets.find(b"\n\n", 0, end + 1 if end >= 0 else len(octets))
    found = bare if bare >= 0 else end
    return found + 1 if found >= 0 else len(octets)


def begins_with_a_field(octets: bytes) -> bool:
    """False where the message has no header: fields put in front then need a blank line behind them."""
    return _FIRST_FIELD.match(octets) is not None


def field_names(header: bytes) -> list[bytes]:
    """The names of all fields in lower case, in order."""
    return (_FIELD_BEHIND_CR if _has_bare_cr(header) else _FIELD).findall(header.lower())


def scan_fields(header: bytes) -> list[Field]:
    """All fields of the header with their offsets."""
    is_odd = _has_bare_cr(header)
    start_of_field, field = (_FIELD_START_BEHIND_CR, _FIELD_BEHIND_CR) if is_odd else (_FIELD_START, _FIELD)
    starts = [match.start() for match in start_of_field.finditer(header)]
    fields = []
    for start, end in itertools.pairwise([*starts, len(header)]):
        if found := field.match(header, start, end):
            fields.append(Field(found[1].lower(), start, found.end(), end))
    return fields


def first_fields(header: bytes, names: Collection[bytes]) -> dict[bytes, bytes]:
    """The first value of each of these names (in lower case) that there is, as it stands, line ends and all."""
    is_odd = _has_bare_cr(header)
    start_of_field, field = (_FIELD_START_BEHIND_CR, _FIELD_BEHIND_CR) if is_odd else (_FIELD_START, _FIELD)
    found: dict[bytes, bytes] = {}
    for match in field.finditer(header):
        name = match[1].lower()
        if name in names and name not in found:
            next_field = start_of_field.search(header, match.end())
            found[name] = header[match.end() : next_field.start() if next_field else len(header)]
            if len(found) == len(names):
                break
    return found


def is_well_formed(header: bytes) -> bool:
    """Whether every reader finds the same fields: no line that is none, no bare CR, no NUL.

    A reader may end the header at a stray line, or the line at a bare CR, and so see another From.
    """
    return (
        len(_FIELD_START.findall(header)) == len(_FIELD.findall(header))
        and not _has_bare_cr(header)
        and b"\0" not in header
    )


def without_fields(octets: bytes, fields: Collection[Field]) -> bytes:
    """The message with these fields cut out and every other octet as it was."""
    pieces = []
    position = 0
    for field in sorted(fields, key=lambda field: field.start):
        pieces.append(octets[position : field.start])
        position = field.end
    pieces.append(octets[position:])
    return b"".join(pieces)


def _has_bare_cr(header: bytes) -> bool:
    return header.count(b"\r") != header.count(b"\r\n")
