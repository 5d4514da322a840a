"""Arguments of CREATE (RFC 3501 section 9; RFC 4466 section 2.2 for its parameters, RFC 6154 section 6 for USE)."""

import re

from mailhost.protocols.imap.commands import Create
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import take_mailbox

# use-attr = "\" atom; what it may be is for the store to say
_USE = re.compile(rb'\\[^\x00-\x20(){%*"\\\]\x7f-\xff]{1,64}')
MAX_USES = 20


def take_create(cursor: Cursor) -> Create:
    """create = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]."""
    cursor.space()
    name = take_mailbox(cursor)
    if cursor.is_at_end:
        return Create(name)
    cursor.space()
    if cursor.is_at_end:
        return Create(name)
    (uses,) = cursor.parenthesised(_take_parameter, "a parameter")[:1]
    return Create(name, uses)


def _take_parameter(cursor: Cursor) -> tuple[str, ...]:
    """create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"; the only one there is."""
    if cursor.word("a parameter") != "USE":
        raise ImapSyntaxError("unknown parameter of CREATE")
    cursor.space()
    uses = cursor.parenthesised(
        lambda inner: inner.take(_USE, "a special use"), "a special use", may_be_empty=True
    )
    if len(uses) > MAX_USES:
        raise ImapSyntaxError("too many special uses")
    return tuple(dict.fromkeys(use.decode("ascii") for use in uses))
