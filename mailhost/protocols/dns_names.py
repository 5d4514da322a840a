"""What DNS can hold as a name (RFC 1035 section 2.3.4)."""

from functools import lru_cache
from typing import Final

MAX_NAME_OCTETS: Final = 253  # 255 on the wire, that is 253 written out
MAX_LABEL_OCTETS: Final = 63


@lru_cache(maxsize=10_000)  # the same names come with every message of a domain
def can_be_looked_up(name: str) -> bool:
    """Whether DNS can hold the name, in printable ASCII and without the final dot."""
    return (
        0 < len(name) <= MAX_NAME_OCTETS
        and all(" " <= character <= "~" for character in name)
        and all(0 < len(label) <= MAX_LABEL_OCTETS for label in name.split("."))
    )
