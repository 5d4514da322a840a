"""SORT and THREAD as values (RFC 5256 section 5; SORT=DISPLAY of RFC 5957; RETURN as ESORT has it, RFC 5267)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.search_options import ReturnOptions, take_return_options
from mailhost.protocols.imap.search_parser import saving, take_search_criteria
from mailhost.protocols.imap.states import WITH_MAILBOX

MAX_CRITERIA = 20  # there are nine keys


class SortKey(Enum):
    """sort-key, without REVERSE."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"


DISPLAY = frozenset({SortKey.DISPLAYFROM, SortKey.DISPLAYTO})


@dataclass(frozen=True, slots=True)
class Criterion:
    """sort-criterion = ["REVERSE" SP] sort-key."""

    key: SortKey
    is_reverse: bool = False


class Algorithm(Enum):
    """thread-alg, of those that we tell; the value is the capability."""

    ORDEREDSUBJECT = "THREAD=ORDEREDSUBJECT"
    REFERENCES = "THREAD=REFERENCES"


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """RFC 5256 section 3."""

    allowed_in = WITH_MAILBOX
    holds_sequence_numbers = True
    extension = "SORT"

    criteria: tuple[Criterion, ...]
    key: SearchKey
    by_uid: bool = False
    returns: ReturnOptions | None = None


@dataclass(frozen=True, slots=True)
class Thread(Command):
    """RFC 5256 section 3."""

    allowed_in = WITH_MAILBOX
    holds_sequence_numbers = True

    algorithm: Algorithm
    key: SearchKey
    by_uid: bool = False


def take_sort(cursor: Cursor, *, by_uid: bool) -> Sort:
    """sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP search-criteria."""
    cursor.space()
    returns = take_return_options(cursor)
    criteria = cursor.parenthesised(_criterion, "a sort key")
    if len(criteria) > MAX_CRITERIA:
        raise ImapSyntaxError("too many sort keys")
    cursor.space()
    with saving(returns):
        return Sort(tuple(criteria), take_search_criteria(cursor), by_uid, returns)


def take_thread(cursor: Cursor, *, by_uid: bool) -> Thread:
    """thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria."""
    cursor.space()
    word = cursor.word("a threading algorithm")
    if word not in Algorithm.__members__:
        raise ImapSyntaxError(f"{word[:40]} is not a threading algorithm")
    cursor.space()
    return Thread(Algorithm[word], take_search_criteria(cursor), by_uid)


def _criterion(cursor: Cursor) -> Criterion:
    word = cursor.word("a sort key")
    is_reverse = word == "REVERSE"
    if is_reverse:
        cursor.space()
        word = cursor.word("a sort key")
    if word not in SortKey.__members__:
        raise ImapSyntaxError(f"{word[:40]} is not a sort key")
    return Criterion(SortKey[word], is_reverse)


PARSERS: dict[str, Callable[[Cursor], Command]] = {
    "SORT": lambda cursor: take_sort(cursor, by_uid=False),
    "THREAD": lambda cursor: take_thread(cursor, by_uid=False),
}
UID_PARSERS: dict[str, Callable[[Cursor], Command]] = {
    "UID SORT": lambda cursor: take_sort(cursor, by_uid=True),
    "UID THREAD": lambda cursor: take_thread(cursor, by_uid=True),
}
