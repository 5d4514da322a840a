"""Header fields (RFC 5322 section 2.2), read leniently out of stored octets; a line may end in CRLF, LF or CR."""

import re
from collections.abc import Callable, Iterable

Fields = dict[bytes, list[bytes]]
"""Field name in lower case -> its unfolded, stripped values in order of appearance."""

# field-name is %d33-57 / %d59-126 (section 3.6.8), blanks before the colon are obsolete syntax (section 4.5);
# the body goes on over every line that begins with a blank, an all-blank line included (obs-FWS, section 4.2).
_FIELD = re.compile(
    rb"(?<![^\r\n])([!-9;-~]++)[ \t]*+:([^\r\n]*+(?:(?:\r\n|\r|\n)[ \t][^\r\n]*+)*+)(\r\n|\r|\n|\Z)"
)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BLANKS = b" \t\r\n"

# What ENVELOPE and BODYSTRUCTURE (RFC 9051 section 7.5.2) and the sort keys are made of; the rest is skipped.
WANTED = frozenset(
    b"date subject from sender reply-to to cc bcc in-reply-to message-id references content-type"
    b" content-transfer-encoding content-disposition content-id content-description content-md5"
    b" content-language content-location".split()
)


def unfold(value: bytes) -> bytes:
    """Takes the line ends out; the blanks that follow them belong to the value (RFC 5322 section 2.2.3)."""
    if b"\n" in value or b"\r" in value:
        value = _LINE_END.sub(b"", value)
    return value.strip(_BLANKS)


def read_fields(octets: bytes, start: int, end: int, *, max_fields: int) -> Fields:
    """The wanted fields of the header octets[start:end]; lines that are no fields are passed over."""
    fields: Fields = {}
    for count, field in enumerate(_FIELD.finditer(octets, start, end)):
        if count >= max_fields:
            break
        name = field[1].lower()
        if name in WANTED:
            value = unfold(field[2])
            if name in fields:
                fields[name].append(value)
            else:
                fields[name] = [value]
    return fields


def change_fields(header: bytes, change: Callable[[bytes, bytes, bytes], bytes]) -> bytes:
    """The header with change(name in lower case, value unfolded, the field as it stands) in the place of each field."""
    return _FIELD.sub(lambda field: change(field[1].lower(), unfold(field[2]), field[0]), header)


def header_fields(header: bytes, names: Iterable[bytes | str], *, exclude: bool = False) -> bytes:
    """BODY[HEADER.FIELDS (names)], or HEADER.FIELDS.NOT with exclude (RFC 9051 section 6.4.5).

    The fields stand as they are stored, in their order, and the blank line ends them in any case.
    """
    asked = {(name.encode() if isinstance(name, str) else name).lower() for name in names}
    found = []
    for field in _FIELD.finditer(header):
        if (field[1].lower() in asked) is not exclude:
            found.append(field[0] if field[3] else field[0] + b"\r\n")
    found.append(b"\r\n")
    return b"".join(found)
