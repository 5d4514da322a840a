"""SEARCH keys as a tree of values (RFC 3501 sections 6.4.4 and 9, search-key; RFC 5032, RFC 7162, RFC 8474, RFC 8514).

The tree speaks of flags by their canonical spelling and of text as str: what the charset was is over by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from mailhost.protocols.imap.sequence_sets import SequenceSet


class Comparison(Enum):
    """How a message's own date or size stands to the key's."""

    BEFORE = "<"
    ON = "="
    SINCE = ">="


class TextScope(Enum):
    """Which text must hold the string."""

    BODY = "BODY"  # the text parts
    TEXT = "TEXT"  # those and the headers


@dataclass(frozen=True, slots=True)
class Everything:
    """ALL."""


@dataclass(frozen=True, slots=True)
class And:
    keys: tuple["SearchKey", ...]


@dataclass(frozen=True, slots=True)
class Or:
    keys: tuple["SearchKey", ...]


@dataclass(frozen=True, slots=True)
class Not:
    key: "SearchKey"


@dataclass(frozen=True, slots=True)
class SequenceNumbers:
    """A bare sequence set: only the session that holds the view can say which UIDs these are."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Uids:
    """UIDs as half-open ranges [from, to), ascending."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class UidSet:
    """UID sequence-set, where `*` still has to be resolved."""

    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class HasFlag:
    """A system flag; `\\Recent` too, which depends on the session."""

    flag: str


@dataclass(frozen=True, slots=True)
class HasKeyword:
    keyword: str


@dataclass(frozen=True, slots=True)
class SizeIs:
    """LARGER and SMALLER: strictly."""

    is_larger: bool
    octets: int


@dataclass(frozen=True, slots=True)
class InternalDateIs:
    """BEFORE, ON, SINCE: the date of INTERNALDATE as we tell it (UTC), without its time."""

    comparison: Comparison
    day: date


@dataclass(frozen=True, slots=True)
class SentDateIs:
    """SENTBEFORE, SENTON, SENTSINCE: the date in the Date field, disregarding time and zone."""

    comparison: Comparison
    day: date


@dataclass(frozen=True, slots=True)
class SavedDateIs:
    """SAVEDBEFORE, SAVEDON, SAVEDSINCE (RFC 8514): the date when the message came into its mailbox, in UTC."""

    comparison: Comparison
    day: date


@dataclass(frozen=True, slots=True)
class AgeIs:
    """OLDER and YOUNGER (RFC 5032): only the session knows what time it is."""

    is_older: bool
    seconds: int


@dataclass(frozen=True, slots=True)
class InternalMomentIs:
    """An internal date up to (OLDER) or from (YOUNGER) this moment, which itself belongs to both."""

    is_older: bool
    moment: datetime


@dataclass(frozen=True, slots=True)
class ModseqIs:
    """MODSEQ (RFC 7162 section 3.1.5): changed at that mod-sequence or after. Flags have none of their own here."""

    at_least: int


@dataclass(frozen=True, slots=True)
class EmailIdIs:
    """EMAILID (RFC 8474 section 5.3), as the client wrote it."""

    email_id: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """What no message matches: THREADID where no thread has an identifier (RFC 8474 section 5.3)."""


@dataclass(frozen=True, slots=True)
class HeaderHolds:
    """HEADER field string, and BCC, CC, FROM, SUBJECT, TO. An empty string: the field is there at all."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class TextHolds:
    scope: TextScope
    text: str


SearchKey = (
    Everything
    | And
    | Or
    | Not
    | SequenceNumbers
    | Uids
    | UidSet
    | HasFlag
    | HasKeyword
    | SizeIs
    | InternalDateIs
    | SentDateIs
    | SavedDateIs
    | AgeIs
    | InternalMomentIs
    | ModseqIs
    | EmailIdIs
    | Nothing
    | HeaderHolds
    | TextHolds
)


def with_leaves(key: SearchKey, change: Callable[[SearchKey], SearchKey]) -> SearchKey:
    """The key with each leaf changed; the parser bounds how deep it is."""
    match key:
        case And(keys) | Or(keys):
            return type(key)(tuple(with_leaves(each, change) for each in keys))
        case Not(inner):
            return Not(with_leaves(inner, change))
        case _:
            return change(key)


def any_leaf(key: SearchKey, holds: Callable[[SearchKey], bool]) -> bool:
    """Whether that holds of one of the key's leaves."""
    match key:
        case And(keys) | Or(keys):
            return any(any_leaf(each, holds) for each in keys)
        case Not(inner):
            return any_leaf(inner, holds)
        case _:
            return holds(key)
