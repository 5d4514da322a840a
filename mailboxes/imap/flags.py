"""Between the wire's flag words and the store's bits (RFC 3501 section 2.3.2)."""

from collections.abc import Iterable

from mailboxes.store.grants import changeable_flags
from mailboxes.store.search_conditions import FLAG_BITS
from mailboxes.store.values import Flag
from mailhost.protocols.imap.flags import SYSTEM_FLAGS
from mailhost.protocols.imap.responses import status_line, untagged

assert set(FLAG_BITS) == set(SYSTEM_FLAGS)

# All 32 combinations in wire form: FETCH FLAGS of 10,000 messages is 10,000 look-ups here.
FLAG_WORDS = tuple(
    " ".join(word for word, bit in FLAG_BITS.items() if number & bit).encode("ascii") for number in range(32)
)


def flag_words(flags: int) -> bytes:
    """System flags as they stand between the parentheses of FLAGS."""
    return FLAG_WORDS[flags & 31]


def flags_permitted(rights: str, *, is_read_only: bool) -> bytes:
    """FLAGS, and in PERMANENTFLAGS what may be changed: RFC 4314 section 5.1.1 wants the rights to be seen there."""
    allowed = Flag(0) if is_read_only else changeable_flags(rights)
    words = [word for word, bit in FLAG_BITS.items() if allowed & bit]
    permanent = " ".join([*words, "\\*"] if allowed & Flag.FLAGGED else words)
    flags = untagged(f"FLAGS ({' '.join(SYSTEM_FLAGS)})")
    return flags + status_line("*", "OK", "Flags permitted.", f"PERMANENTFLAGS ({permanent})")


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
