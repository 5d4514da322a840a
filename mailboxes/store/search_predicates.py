"""Search keys as predicates over one message: headers and text parts decoded, compared caselessly."""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, timedelta
from enum import IntEnum
from itertools import accumulate
from typing import Any

from mailboxes.store.search_candidates import Candidate
from mailboxes.store.search_conditions import FLAG_BITS, content_of_email_id
from mailhost.protocols.caseless import fold
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
    TextScope,
    Uids,
)


class Needs(IntEnum):
    """What has to be read of each candidate."""

    COLUMNS = 0
    HEADER = 1
    OCTETS = 2


Predicate = Callable[[Candidate], bool]


def compile_predicate(key: SearchKey) -> tuple[Predicate, Needs]:
    """The predicate, and what it needs. In AND and OR what is cheap is looked at first."""
    match key:
        case Not(inner):
            predicate, needs = compile_predicate(inner)
            return (lambda message: not predicate(message)), needs
        case And(keys) | Or(keys):
            compiled = sorted((compile_predicate(each) for each in keys), key=lambda pair: pair[1])
            predicates = [predicate for predicate, _ in compiled]
            combine = all if isinstance(key, And) else any
            return (lambda message: combine(each(message) for each in predicates)), compiled[-1][1]
        case TextHolds(scope, text):
            return _text(scope, fold(text)), Needs.OCTETS if text else Needs.COLUMNS
        case HeaderHolds(field, text):
            return _header(field, fold(text)), Needs.HEADER
        case _:
            return _COLUMN_PREDICATES[type(key)](key), Needs.COLUMNS


def _header(name: str, text: str) -> Predicate:
    return lambda message: any(text in value for value in message.field_values(name))


def _text(scope: TextScope, text: str) -> Predicate:
    if not text:
        return lambda message: True  # RFC 9051 section 6.4.4: the empty string is a substring
    overlap = len(text) + 16  # more than it needs, for combining marks at the cut

    def holds(message: Candidate) -> bool:
        if scope is TextScope.TEXT and any(text in header for header in message.headers()):
            return True
        return any(text in body for body in message.bodies(overlap=overlap))

    return holds


def _internal_date(key: InternalDateIs) -> Predicate:
    compare = _COMPARE[key.comparison]
    return lambda message: compare(message.internal_date.astimezone(UTC).date(), key.day)


def _saved_date(key: SavedDateIs) -> Predicate:
    compare = _COMPARE[key.comparison]
    return lambda message: compare(message.saved_at.astimezone(UTC).date(), key.day)


def _internal_moment(key: InternalMomentIs) -> Predicate:
    if key.is_older:
        return lambda message: message.internal_date <= key.moment
    return lambda message: message.internal_date >= key.moment


def _email_id(key: EmailIdIs) -> Predicate:
    content_id = content_of_email_id(key.email_id)
    return lambda message: message.content_id == content_id


def _sent_date(key: SentDateIs) -> Predicate:
    compare = _COMPARE[key.comparison]
    day, a_day = key.day, timedelta(days=1)

    def holds(message: Candidate) -> bool:
        if message.sent_at is None:
            return False
        in_utc = message.sent_at.astimezone(UTC).date()
        if abs(in_utc - day) > a_day:  # whatever zone the sender was in
            return compare(in_utc, day)
        written = message.sent_on()
        return written is not None and compare(written, day)

    return holds


def _uids(key: Uids) -> Predicate:
    """By halving: a client may name thousands of ranges."""
    ranges = sorted(key.ranges)
    starts = [low for low, _ in ranges]
    # The farthest end of any range up to here, as ranges may lie within others.
    ends = list(accumulate((high for _, high in ranges), max))

    def holds(message: Candidate) -> bool:
        at = bisect_right(starts, message.uid)
        return at > 0 and message.uid < ends[at - 1]

    return holds


def _size(key: SizeIs) -> Predicate:
    if key.is_larger:
        return lambda message: message.size_octets > key.octets
    return lambda message: message.size_octets < key.octets


_COMPARE: dict[Comparison, Callable[[date, date], bool]] = {
    Comparison.BEFORE: lambda day, other: day < other,
    Comparison.ON: lambda day, other: day == other,
    Comparison.SINCE: lambda day, other: day >= other,
}
_COLUMN_PREDICATES: dict[type[SearchKey], Callable[[Any], Predicate]] = {
    Everything: lambda key: lambda message: True,
    HasFlag: lambda key: lambda message: bool(message.flags & FLAG_BITS[key.flag]),
    HasKeyword: lambda key: lambda message: key.keyword.lower() in message.keywords,
    SizeIs: _size,
    Uids: _uids,
    InternalDateIs: _internal_date,
    InternalMomentIs: _internal_moment,
    SavedDateIs: _saved_date,
    ModseqIs: lambda key: lambda message: message.modseq >= key.at_least,
    EmailIdIs: _email_id,
    Nothing: lambda key: lambda message: False,
    SentDateIs: _sent_date,
}
