"""SEARCH arguments to a key tree (RFC 3501 section 9, search and search-key).

With OLDER and YOUNGER (RFC 5032), MODSEQ (RFC 7162), EMAILID and THREADID (RFC 8474), SAVEDBEFORE, SAVEDON and
SAVEDSINCE (RFC 8514).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailhost.protocols.imap.commands import Search
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.dates import take_date
from mailhost.protocols.imap.errors import ImapSyntaxError, UnknownCharset
from mailhost.protocols.imap.flags import MAX_KEYWORD_OCTETS, RECENT
from mailhost.protocols.imap.search_keys import (
    AgeIs,
    And,
    Comparison,
    EmailIdIs,
    Everything,
    HasFlag,
    HasKeyword,
    HeaderHolds,
    InternalDateIs,
    ModseqIs,
    Not,
    Nothing,
    Or,
    SavedDateIs,
    SearchKey,
    SentDateIs,
    SequenceNumbers,
    SizeIs,
    TextHolds,
    TextScope,
    UidSet,
)
from mailhost.protocols.imap.search_options import ReturnOptions, take_return_options
from mailhost.protocols.imap.sequence_sets import take_sequence_set

CHARSETS = {"UTF-8": "utf-8", "US-ASCII": "utf-8"}  # clients send UTF-8 and say US-ASCII, or say nothing
MAX_DEPTH = 100  # of OR, NOT and parentheses: recursion must stay far from Python's own limit
MAX_KEYS = 2_000
MAX_MODSEQ = (1 << 63) - 1  # RFC 7162 section 1
# objectid = 1*255(ALPHA / DIGIT / "_" / "-") (RFC 8474 section 7)
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")
# search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
# search-modseq-ext = SP entry-name SP entry-type-req;  entry-name = <"> "/flags/" attr-flag <"> (RFC 7162 section 7)
_MODSEQ = re.compile(rb'(?:"/flags/(?:[^"\\]|\\["\\])+" (?:priv|shared|all) )?([0-9]{1,19})', re.IGNORECASE)


class _KeyParser:
    """Holds what every key needs: how strings are decoded, and how deep and how many we are."""

    def __init__(self, cursor: Cursor, charset: str) -> None:
        self.cursor = cursor
        self.charset = charset
        self.depth = 0
        self.count = 0

    def text(self) -> str:
        try:
            text = self.cursor.astring_octets("a search string").decode(self.charset)
        except UnicodeDecodeError:
            raise ImapSyntaxError(f"the search string is not {self.charset}") from None
        if "\x00" in text:
            raise ImapSyntaxError("the search string holds a NUL")
        return text

    def spaced_text(self) -> str:
        self.cursor.space()
        return self.text()

    def keys(self) -> SearchKey:
        """search-key *(SP search-key), all of which must hold."""
        found = [self.key()]
        while not self.cursor.is_at_end and not self.cursor.comes(b")"):
            self.cursor.space()
            if self.cursor.is_at_end or self.cursor.comes(b")"):
                break
            found.append(self.key())
        return found[0] if len(found) == 1 else And(tuple(found))

    def key(self) -> SearchKey:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH or self.count > MAX_KEYS:
            raise ImapSyntaxError("too many search keys")
        key = self._key()
        self.depth -= 1
        return key

    def _key(self) -> SearchKey:
        cursor = self.cursor
        if cursor.take_if(b"("):
            key = self.keys()
            cursor.expect(b")")
            return key
        if cursor.octets[cursor.at : cursor.at + 1] in _SET_STARTS:
            return SequenceNumbers(take_sequence_set(cursor))
        word = cursor.word("a search key")
        fixed = _FIXED.get(word)
        if fixed is not None:
            return fixed
        take = _WITH_ARGUMENT.get(word)
        if take is None:
            raise ImapSyntaxError(f"{word[:40]} is not a search key")
        return take(self)


def take_search(cursor: Cursor, *, by_uid: bool) -> Search:
    """search = "SEARCH" [search-return-opts] SP search-program (RFC 4466 section 2.6.1)."""
    cursor.space()
    returns = take_return_options(cursor)
    with saving(returns):
        return Search(take_search_program(cursor), by_uid, returns)


@contextmanager
def saving(returns: ReturnOptions | None) -> Iterator[None]:
    """Lets a refusal of the charset say what becomes of `$`."""
    try:
        yield
    except UnknownCharset as error:
        error.was_to_be_saved = returns is not None and "SAVE" in returns.words
        raise


def take_search_program(cursor: Cursor) -> SearchKey:
    """["CHARSET" SP astring SP] search-key *(SP search-key); raises UnknownCharset."""
    if cursor.take_if(b"CHARSET "):
        if not cursor.knows_charsets:
            raise ImapSyntaxError("all is UTF-8 here, no CHARSET is needed (RFC 6855 section 3)")
        return take_search_criteria(cursor)
    return _KeyParser(cursor, "utf-8").keys()


def take_search_criteria(cursor: Cursor) -> SearchKey:
    """charset 1*(SP search-key), as SORT and THREAD have it (RFC 5256 section 5); raises UnknownCharset."""
    name = cursor.astring("a charset").upper()
    if name not in CHARSETS:
        raise UnknownCharset(name)
    cursor.space()
    return _KeyParser(cursor, CHARSETS[name]).keys()


def _or(parser: _KeyParser) -> SearchKey:
    parser.cursor.space()
    first = parser.key()
    parser.cursor.space()
    second = parser.key()
    # OR OR a b c, as clients write many alternatives, is one Or of three.
    return Or(tuple(k for key in (first, second) for k in (key.keys if isinstance(key, Or) else (key,))))


def _not(parser: _KeyParser) -> SearchKey:
    parser.cursor.space()
    return Not(parser.key())


def _header(parser: _KeyParser) -> SearchKey:
    parser.cursor.space()
    field = parser.cursor.astring("a field name")
    return HeaderHolds(field, parser.spaced_text())


def _uid(parser: _KeyParser) -> SearchKey:
    parser.cursor.space()
    return UidSet(take_sequence_set(parser.cursor))


def _field(name: str) -> Callable[[_KeyParser], SearchKey]:
    return lambda parser: HeaderHolds(name, parser.spaced_text())


def _text(scope: TextScope) -> Callable[[_KeyParser], SearchKey]:
    return lambda parser: TextHolds(scope, parser.spaced_text())


def _keyword(parser: _KeyParser) -> HasKeyword:
    parser.cursor.space()
    keyword = parser.cursor.atom("a keyword")
    if len(keyword) > MAX_KEYWORD_OCTETS:
        raise ImapSyntaxError("the keyword is too long")
    return HasKeyword(keyword)


def _size(*, is_larger: bool) -> Callable[[_KeyParser], SearchKey]:
    def take(parser: _KeyParser) -> SearchKey:
        parser.cursor.space()
        return SizeIs(is_larger, parser.cursor.number())

    return take


def _age(*, is_older: bool) -> Callable[[_KeyParser], SearchKey]:
    def take(parser: _KeyParser) -> SearchKey:
        parser.cursor.space()
        seconds = parser.cursor.number("an interval")
        if seconds == 0:
            raise ImapSyntaxError("an interval of no seconds")
        return AgeIs(is_older, seconds)

    return take


def _modseq(parser: _KeyParser) -> SearchKey:
    parser.cursor.space()
    match = _MODSEQ.match(parser.cursor.octets, parser.cursor.at)
    if match is None or int(match[1]) > MAX_MODSEQ:
        raise ImapSyntaxError("expected a mod-sequence")
    parser.cursor.at = match.end()
    return ModseqIs(int(match[1]))


def _email_id(parser: _KeyParser) -> SearchKey:
    parser.cursor.space()
    return EmailIdIs(parser.cursor.take(_OBJECT_ID, "an object id").decode("ascii"))


def _thread_id(parser: _KeyParser) -> SearchKey:
    """THREADID is NIL for each message, so that no identifier matches (RFC 8474 section 5.2)."""
    parser.cursor.space()
    parser.cursor.take(_OBJECT_ID, "an object id")
    return Nothing()


def _date(
    kind: type[InternalDateIs] | type[SentDateIs] | type[SavedDateIs], how: Comparison
) -> Callable[[_KeyParser], SearchKey]:
    def take(parser: _KeyParser) -> SearchKey:
        parser.cursor.space()
        return kind(how, take_date(parser.cursor))

    return take


_SET_STARTS = frozenset(bytes([octet]) for octet in b"0123456789*$")
_FIXED: dict[str, SearchKey] = {
    "ALL": Everything(),
    "ANSWERED": HasFlag("\\Answered"),
    "DELETED": HasFlag("\\Deleted"),
    "DRAFT": HasFlag("\\Draft"),
    "FLAGGED": HasFlag("\\Flagged"),
    "SEEN": HasFlag("\\Seen"),
    "RECENT": HasFlag(RECENT),
    "NEW": And((HasFlag(RECENT), Not(HasFlag("\\Seen")))),
    "OLD": Not(HasFlag(RECENT)),
    "UNANSWERED": Not(HasFlag("\\Answered")),
    "UNDELETED": Not(HasFlag("\\Deleted")),
    "UNDRAFT": Not(HasFlag("\\Draft")),
    "UNFLAGGED": Not(HasFlag("\\Flagged")),
    "UNSEEN": Not(HasFlag("\\Seen")),
    "SAVEDATESUPPORTED": Everything(),
}
_WITH_ARGUMENT: dict[str, Callable[[_KeyParser], SearchKey]] = {
    "BCC": _field("Bcc"),
    "CC": _field("Cc"),
    "FROM": _field("From"),
    "SUBJECT": _field("Subject"),
    "TO": _field("To"),
    "HEADER": _header,
    "BODY": _text(TextScope.BODY),
    "TEXT": _text(TextScope.TEXT),
    "KEYWORD": _keyword,
    "UNKEYWORD": lambda parser: Not(_keyword(parser)),
    "LARGER": _size(is_larger=True),
    "SMALLER": _size(is_larger=False),
    "BEFORE": _date(InternalDateIs, Comparison.BEFORE),
    "ON": _date(InternalDateIs, Comparison.ON),
    "SINCE": _date(InternalDateIs, Comparison.SINCE),
    "SENTBEFORE": _date(SentDateIs, Comparison.BEFORE),
    "SENTON": _date(SentDateIs, Comparison.ON),
    "SENTSINCE": _date(SentDateIs, Comparison.SINCE),
    "SAVEDBEFORE": _date(SavedDateIs, Comparison.BEFORE),
    "SAVEDON": _date(SavedDateIs, Comparison.ON),
    "SAVEDSINCE": _date(SavedDateIs, Comparison.SINCE),
    "OLDER": _age(is_older=True),
    "YOUNGER": _age(is_older=False),
    "MODSEQ": _modseq,
    "EMAILID": _email_id,
    "THREADID": _thread_id,
    "NOT": _not,
    "OR": _or,
    "UID": _uid,
}
