"""The TLS-Required field: its sender asks for delivery, whatever policies of TLS say (RFC 8689 section 3)."""

import re
from typing import Final

_NAME: Final = b"\ntls-required"
_FIELD: Final = re.compile(rb"\ntls-required[ \t]*:((?:[^\n]*)(?:\n[ \t][^\n]*)*)")


def says_no(octets: bytes) -> bool:
    """Whether a message has the field, with the only value that there is.

    More than one, of which section 3 says that there must not be any, count as none.
    """
    end = octets.find(b"\r\n\r\n")
    header = b"\n" + (octets if end < 0 else octets[:end]).lower()
    if _NAME not in header:  # of nearly all mail: this is all that it costs
        return False
    values = [found.strip(b" \t\r\n") for found in _FIELD.findall(header)]
    return values == [b"no"]
