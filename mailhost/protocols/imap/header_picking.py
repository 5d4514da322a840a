"""BODY[HEADER.FIELDS (…)] by looking for the names, not at every field (RFC 3501 section 6.4.5).

Most clients' first sync asks this of every message, and headers today are mostly Received, DKIM and ARC.
"""

import re
from functools import lru_cache

from mailhost.protocols.message import header_fields

_NAME = re.compile(rb"[!-9;-~]+")  # RFC 5322 section 3.6.8; anything else is no field's name
_BLANKS = b" \t"
_COLON = ord(":")


@lru_cache(maxsize=256)  # clients ask the same of every message
def _needles(names: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple({b"\n" + name.lower() for name in names if _NAME.fullmatch(name)})


def pick_fields(header: bytes, names: tuple[bytes, ...]) -> bytes:
    """What header_fields() gives, twice as fast where all lines end in CRLF."""
    lines = header.count(b"\r\n")
    if header.count(b"\n") != lines or header.count(b"\r") != lines:
        return header_fields(header, names)
    # What is at i + 1 here is at i in the header; the NUL spares asking for the end.
    lowered = b"\n%b\0" % header.lower()
    found = []
    for needle in _needles(names):
        at = lowered.find(needle)
        while at >= 0:
            colon = at + len(needle)
            while lowered[colon] in _BLANKS:  # obsolete syntax (section 4.5)
                colon += 1
            if lowered[colon] == _COLON:
                found.append((at, header[at : _end_of_field(header, colon)]))
            at = lowered.find(needle, colon)
    found.sort()
    picked = b"".join(field for _, field in found)
    return picked + (b"\r\n" if not picked or picked.endswith(b"\n") else b"\r\n\r\n")


def _end_of_field(header: bytes, at: int) -> int:
    """Behind the field's last line: a line that begins with a blank goes on with it."""
    while (end := header.find(b"\n", at)) >= 0:
        at = end + 1
        if at >= len(header) or header[at] not in _BLANKS:
            return at
    return len(header)
