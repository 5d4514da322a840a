"""A key's TXT record as name servers take it: as one value, or in strings of 255 octets at most (RFC 1035 section 3.3).

Whoever looks for it puts the strings together with nothing between them (RFC 6376 section 3.6.2.2).
"""

from typing import Final

from domains.models import DkimKey

MAX_STRING: Final = 255


def record_strings(record: str) -> tuple[str, ...]:
    """The record, which is ASCII, in pieces."""
    return tuple(record[at : at + MAX_STRING] for at in range(0, len(record), MAX_STRING))


def zone_entry(key: DkimKey) -> str:
    """For a zone file, with each string on a line of its own where they are several (RFC 1035 section 5.1)."""
    quoted = [f'"{each}"' for each in record_strings(key.record)]
    if len(quoted) == 1:
        return f"{key}. IN TXT {quoted[0]}"
    lines = "\n  ".join(quoted)
    return f"{key}. IN TXT (\n  {lines} )"
