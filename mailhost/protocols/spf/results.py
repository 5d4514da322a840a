"""What an SPF check comes to (RFC 7208 sections 2.6 and 8)."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """The seven results, in the words that Authentication-Results uses (RFC 8601 section 2.7.2)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class SpfResult:
    """mechanism: the directive that matched, as it is published ("-all"), "" where none did.

    explanation: what the domain says to whoever is refused, ASCII and one line, "" if nothing; it is the
    sender's text, never the host's own (RFC 7208 section 11.5). reason: a sentence of ours for people.
    """

    result: Result
    domain: str
    reason: str
    mechanism: str = ""
    explanation: str = ""


def shown(text: str, *, longest: int = 100) -> str:
    """Text of other people, fit to stand in a sentence of ours: printable ASCII, and not too long."""
    kept = "".join(character if " " <= character <= "~" else "?" for character in text[: longest + 1])
    return kept if len(kept) <= longest else kept[: longest - 3] + "..."
