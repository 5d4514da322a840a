"""SEARCH arguments to a key tree (RFC 3501 section 9, search and search-key)."""

from collections.abc import Callable

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.dates import take_date
from mailhost.protocols.imap.errors import ImapSyntaxError, UnknownCharset
from mailhost.protocols.imap.flags import MAX_KEYWORD_OCTETS, RECENT
from mailhost.protocols.imap.search_keys import (
    And,
    Comparison,
    Everything,
    HasFlag,
    HasKeyword,
    HeaderHolds,
    InternalDateIs,
    Not,
    Or,
    SearchKey,
    SentDateIs,
    SequenceNumbers,
    SizeIs,
    TextHolds,
    TextScope,
    UidSet,
)
from mailhost.protocols.imap.sequence_sets import take_sequence_set

CHARSETS = {"UTF-8": "utf-8", "US-ASCII": "utf-8"}  # clients send UTF-8 and say US-ASCII, or say nothing
MAX_DEPTH = 100  # of OR, NOT and parentheses: recursion must stay far from Python's own limit
MAX_KEYS = 2_000


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


def take_search(cursor: Cursor) -> SearchKey:
    """["CHARSET" SP astring SP] search-key *(SP search-key); raises UnknownCharset."""
    charset = "utf-8"
    if cursor.take_if(b"CHARSET "):
        name = cursor.astring("a charset").upper()
        if name not in CHARSETS:
            raise UnknownCharset(name)
        charset = CHARSETS[name]
        cursor.space()
    return _KeyParser(cursor, charset).keys()


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


def _date(
    kind: type[InternalDateIs] | type[SentDateIs], how: Comparison
) -> Callable[[_KeyParser], SearchKey]:
    def take(parser: _KeyParser) -> SearchKey:
        parser.cursor.space()
        return kind(how, take_date(parser.cursor))

    return take


_SET_STARTS = frozenset(bytes([octet]) for octet in b"0123456789*")
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
    "NOT": _not,
    "OR": _or,
    "UID": _uid,
}
