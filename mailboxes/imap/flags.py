"""Between the wire's flag words and the store's bits (RFC 3501 section 2.3.2)."""

from collections.abc import Iterable

from mailboxes.store.search_conditions import FLAG_BITS
from mailboxes.store.values import Flag
from mailhost.protocols.imap.flags import SYSTEM_FLAGS

assert set(FLAG_BITS) == set(SYSTEM_FLAGS)

# All 32 combinations in wire form: FETCH FLAGS of 10,000 messages is 10,000 look-ups here.
_WORDS = tuple(
    " ".join(word for word, bit in FLAG_BITS.items() if number & bit).encode("ascii") for number in range(32)
)


def flag_words(flags: int) -> bytes:
    """System flags as they stand between the parentheses of FLAGS."""
    return _WORDS[flags & 31]


def split_flags(flags: Iterable[str]) -> tuple[Flag, tuple[str, ...]]:
    """A command's flags as the store's bits and keywords."""
    bits = Flag(0)
    keywords = []
    for flag in flags:
        if flag in FLAG_BITS:
            bits |= FLAG_BITS[flag]
        else:
            keywords.append(flag)
    return bits, tuple(keywords)
