"""Arguments of LIST, LSUB and STATUS (RFC 3501 section 9; RFC 5258 section 6; RFC 5819; RFC 6154; RFC 9590)."""

from mailhost.protocols.imap.commands import List, Lsub
from mailhost.protocols.imap.cursor import LIST_ATOM, Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.metadata import MAX_ENTRIES, take_entries
from mailhost.protocols.imap.names import MAX_NAME_OCTETS, read_name

# RFC 3501 section 6.3.10, RFC 7162, RFC 7889, RFC 8438, RFC 8474, RFC 9208
STATUS_ITEMS = frozenset(
    {
        "APPENDLIMIT",
        "DELETED",
        "DELETED-STORAGE",
        "HIGHESTMODSEQ",
        "MAILBOXID",
        "MESSAGES",
        "RECENT",
        "SIZE",
        "UIDNEXT",
        "UIDVALIDITY",
        "UNSEEN",
    }
)
SELECTION_OPTIONS = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
RETURN_OPTIONS = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "MYRIGHTS"})
MAX_PATTERN_CHARACTERS = 2_000  # of all together: matching takes longer the more places there are to follow
MAX_PATTERNS = 20


def take_list(cursor: Cursor) -> List:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]."""
    cursor.space()
    selection: frozenset[str] = frozenset()
    is_extended = False
    if cursor.comes(b"("):
        selection = frozenset(cursor.parenthesised(_selection_option, "an option", may_be_empty=True))
        is_extended = True
        if selection == {"RECURSIVEMATCH"} or selection == {"RECURSIVEMATCH", "REMOTE"}:
            raise ImapSyntaxError("RECURSIVEMATCH needs another selection option")  # RFC 5258 section 3
        cursor.space()
    reference = _pattern(cursor)
    cursor.space()
    if cursor.comes(b"("):
        patterns = tuple(cursor.parenthesised(_pattern, "a pattern"))
        is_extended = True
    else:
        patterns = (_pattern(cursor),)
    _refuse_long(reference, patterns)
    returns: set[str] = set()
    status_items: list[str] = []
    metadata_entries: list[str] = []
    if not cursor.is_at_end:
        cursor.space()
        if not cursor.is_at_end:
            cursor.expect(b"RETURN ")
            is_extended = True
            cursor.parenthesised(
                lambda inner: _take_return_option(inner, returns, status_items, metadata_entries),
                "an option",
                may_be_empty=True,
            )
    if len(metadata_entries) > MAX_ENTRIES:
        raise ImapSyntaxError("too many entries")
    return List(
        reference,
        patterns,
        selection,
        frozenset(returns),
        tuple(dict.fromkeys(status_items)),
        is_extended,
        tuple(dict.fromkeys(metadata_entries)),
    )


def take_lsub(cursor: Cursor) -> Lsub:
    """lsub = "LSUB" SP mailbox SP list-mailbox."""
    cursor.space()
    reference = _pattern(cursor)
    cursor.space()
    pattern = _pattern(cursor)
    _refuse_long(reference, (pattern,))
    return Lsub(reference, pattern)


def take_status_items(cursor: Cursor) -> tuple[str, ...]:
    """ "(" status-att *(SP status-att) ")", each item once."""
    items = cursor.parenthesised(lambda inner: inner.word("a STATUS item"), "a STATUS item")
    for item in items:
        if item not in STATUS_ITEMS:
            raise ImapSyntaxError(f"{item[:40]} is not a STATUS item")
    return tuple(dict.fromkeys(items))


def _refuse_long(reference: str, patterns: tuple[str, ...]) -> None:
    """The reference stands before each of the patterns."""
    characters = sum(len(reference) + len(pattern) for pattern in patterns)
    if len(patterns) > MAX_PATTERNS or characters > MAX_PATTERN_CHARACTERS:
        raise ImapSyntaxError("too many or too long patterns")


def _pattern(cursor: Cursor) -> str:
    """list-mailbox = 1*list-char / string."""
    octets = cursor.astring_octets("a pattern", LIST_ATOM)
    if len(octets) > MAX_NAME_OCTETS:
        raise ImapSyntaxError("the pattern is too long")
    return read_name(octets, is_utf8=cursor.has_utf8_names)


def _selection_option(cursor: Cursor) -> str:
    option = cursor.word("a selection option")
    if option not in SELECTION_OPTIONS:
        raise ImapSyntaxError(f"{option[:40]} is not a selection option")
    return option


def _take_return_option(
    cursor: Cursor, returns: set[str], status_items: list[str], metadata_entries: list[str]
) -> None:
    option = cursor.word("a return option")
    if option == "STATUS":
        cursor.space()
        status_items.extend(take_status_items(cursor))
    elif option == "METADATA":  # RFC 9590 section 3
        cursor.space()
        metadata_entries.extend(take_entries(cursor))
    elif option not in RETURN_OPTIONS:
        raise ImapSyntaxError(f"{option[:40]} is not a return option")
    returns.add(option)
