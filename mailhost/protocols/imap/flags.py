"""Flags on the wire: system flags with a backslash, keywords as atoms (RFC 3501 sections 2.3.2 and 9)."""

import re

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError

SYSTEM_FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")
RECENT = "\\Recent"
_SPELLING = {flag.upper(): flag for flag in (*SYSTEM_FLAGS, RECENT)}

# flag = "\Answered" / … / flag-keyword / flag-extension;  flag-keyword = atom;  flag-extension = "\" atom
# "]" is let through: clients such as Thunderbird's add-ons make keywords with it.
_FLAG = re.compile(rb'\\?[^\x00-\x20(){%*"\\\x7f-\xff]+')
MAX_KEYWORD_OCTETS = 100  # longer than any client's; each keyword is stored in every row that has it
MAX_FLAGS_IN_COMMAND = 128


def take_flag(cursor: Cursor) -> str:
    """A flag in its canonical spelling; an unknown system flag is refused, a keyword is kept as it is written."""
    text = cursor.take(_FLAG, "a flag").decode("ascii")
    if not text.startswith("\\"):
        if len(text) > MAX_KEYWORD_OCTETS:
            raise ImapSyntaxError("the keyword is too long")
        return text
    known = _SPELLING.get(text.upper())
    if known is None:
        raise ImapSyntaxError(f"{text} is not a system flag")
    return known


def take_flag_list(cursor: Cursor) -> tuple[str, ...]:
    """flag-list, each flag once; `\\Recent` is dropped because no client can change it (RFC 3501 section 2.3.2)."""
    return _once(cursor.parenthesised(take_flag, "a flag", may_be_empty=True))


def take_flags(cursor: Cursor) -> tuple[str, ...]:
    """STORE's (flag-list / (flag *(SP flag)))."""
    if cursor.comes(b"("):
        return take_flag_list(cursor)
    flags = [take_flag(cursor)]
    while not cursor.is_at_end:
        cursor.space()
        if not cursor.is_at_end:
            flags.append(take_flag(cursor))
    return _once(flags)


def _once(flags: list[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(flag for flag in flags if flag != RECENT))
    if len(distinct) > MAX_FLAGS_IN_COMMAND:
        raise ImapSyntaxError("too many flags")
    return distinct
