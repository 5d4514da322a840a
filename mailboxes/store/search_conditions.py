"""Search keys as SQL: the condition that no matching message escapes, and whether it is exact."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailboxes.store.values import Flag
from mailhost.protocols.imap.search_keys import (
    And,
    Comparison,
    EmailIdIs,
    Everything,
    HasFlag,
    HasKeyword,
    HeaderHolds,
    InternalDateIs,
    InternalMomentIs,
    ModseqIs,
    Not,
    Nothing,
    Or,
    SavedDateIs,
    SearchKey,
    SentDateIs,
    SizeIs,
    TextHolds,
    Uids,
)

FLAG_BITS = {
    "\\Seen": Flag.SEEN,
    "\\Answered": Flag.ANSWERED,
    "\\Flagged": Flag.FLAGGED,
    "\\Deleted": Flag.DELETED,
    "\\Draft": Flag.DRAFT,
}
_MAX_UID = 1 << 32
_EMAIL_ID = re.compile(r"E([1-9][0-9]{0,17})")  # "E" and the content's number: within a bigint


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition over `message` and `content`. Not exact: it lets more through than the key asks for."""

    sql: str
    parameters: tuple[Any, ...] = ()
    is_exact: bool = True
    of_content: bool = False


_EVERYTHING_MAYBE = Condition("true", is_exact=False)


def compile_condition(key: SearchKey, *, is_negated: bool = False) -> Condition:
    """The condition for the key, or for its opposite. Negation goes down to the leaves, where supersets are made."""
    match key:
        case Not(inner):
            return compile_condition(inner, is_negated=not is_negated)
        case And(keys) | Or(keys):
            word = " AND " if isinstance(key, And) is not is_negated else " OR "
            return _join(word, [compile_condition(each, is_negated=is_negated) for each in keys])
        case HeaderHolds() | TextHolds():
            return _EVERYTHING_MAYBE
        case SentDateIs():
            return _EVERYTHING_MAYBE if is_negated else _sent_date(key)
        case Everything():
            condition = Condition("true")
        case _:
            condition = _LEAVES[type(key)](key)
    return Condition(f"NOT ({condition.sql})", condition.parameters) if is_negated else condition


def _join(word: str, conditions: Sequence[Condition]) -> Condition:
    return Condition(
        word.join(f"({condition.sql})" for condition in conditions),
        tuple(parameter for condition in conditions for parameter in condition.parameters),
        all(condition.is_exact for condition in conditions),
        any(condition.of_content for condition in conditions),
    )


def _flag(key: HasFlag) -> Condition:
    return Condition(f"message.flags & {int(FLAG_BITS[key.flag])} <> 0")


def _keyword(key: HasKeyword) -> Condition:
    # Keywords compare caselessly, as the store keeps them apart.
    return Condition(
        "EXISTS (SELECT FROM unnest(message.keywords) word WHERE lower(word) = lower(%s))", (key.keyword,)
    )


def _size(key: SizeIs) -> Condition:
    return Condition(f"message.size_octets {'>' if key.is_larger else '<'} %s", (key.octets,))


def _uids(key: Uids) -> Condition:
    # A multirange is searched by halving, so thousands of ranges cost little for each message.
    ranges = ",".join(
        f"[{low},{min(high, _MAX_UID)})" for low, high in key.ranges if low < min(high, _MAX_UID)
    )
    return Condition("message.uid <@ %s::int8multirange", ("{" + ranges + "}",))


def _internal_date(key: InternalDateIs) -> Condition:
    return Condition(
        f"(message.internal_date AT TIME ZONE 'UTC')::date {key.comparison.value} %s::date", (key.day,)
    )


def _saved_date(key: SavedDateIs) -> Condition:
    return Condition(
        f"(message.saved_at AT TIME ZONE 'UTC')::date {key.comparison.value} %s::date", (key.day,)
    )


def _internal_moment(key: InternalMomentIs) -> Condition:
    return Condition(f"message.internal_date {'<=' if key.is_older else '>='} %s", (key.moment,))


def content_of_email_id(email_id: str) -> int | None:
    """The content that the identifier names; None for one that we never gave."""
    match = _EMAIL_ID.fullmatch(email_id)
    return int(match[1]) if match else None


def _email_id(key: EmailIdIs) -> Condition:
    content_id = content_of_email_id(key.email_id)
    return Condition("false") if content_id is None else Condition("message.content_id = %s", (content_id,))


def _sent_date(key: SentDateIs) -> Condition:
    """The column is in UTC, the key means the date as the sender wrote it: a day more on either side."""
    try:
        before, after = key.day - timedelta(days=1), key.day + timedelta(days=1)
    except OverflowError:
        return _EVERYTHING_MAYBE
    sent = "(content.sent_at AT TIME ZONE 'UTC')::date"
    condition, parameters = {
        Comparison.BEFORE: (f"{sent} <= %s::date", (key.day,)),
        Comparison.ON: (f"{sent} BETWEEN %s::date AND %s::date", (before, after)),
        Comparison.SINCE: (f"{sent} >= %s::date", (before,)),
    }[key.comparison]
    return Condition(condition, parameters, is_exact=False, of_content=True)


_LEAVES: dict[type[SearchKey], Callable[[Any], Condition]] = {
    HasFlag: _flag,
    HasKeyword: _keyword,
    SizeIs: _size,
    Uids: _uids,
    InternalDateIs: _internal_date,
    InternalMomentIs: _internal_moment,
    SavedDateIs: _saved_date,
    ModseqIs: lambda key: Condition("message.modseq >= %s", (key.at_least,)),
    EmailIdIs: _email_id,
    Nothing: lambda key: Condition("false"),
}
