"""Mailbox names between wire and text: modified UTF-7, or UTF-8 where the client has enabled that.

RFC 3501 section 5.1.3; RFC 6855 section 3 and RFC 9051 section 5.1 for UTF-8, where "&" is a letter like others.
Which of the two a connection speaks is one decision of its session (`Session.has_utf8_names`); the cursor knows it.
"""

from mailhost.protocols.imap.cursor import LIST_ATOM, Cursor, decode
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import astring, utf8_string
from mailhost.protocols.imap.utf7 import decode_name, encode_name

MAX_NAME_OCTETS = 8_192  # far above what the store takes; bounds what patterns and errors carry


def take_mailbox(cursor: Cursor) -> str:
    """mailbox = "INBOX" / astring; names that hold `%` or `*` come unquoted from some clients."""
    octets = cursor.astring_octets("a mailbox name", LIST_ATOM)
    if len(octets) > MAX_NAME_OCTETS:
        raise ImapSyntaxError("the mailbox name is too long")
    return read_name(octets, is_utf8=cursor.has_utf8_names)


def read_name(octets: bytes, *, is_utf8: bool) -> str:
    """The name that a client means. Whether there can be such a mailbox is the store's business."""
    return decode(octets, "the mailbox name") if is_utf8 else decode_name(octets)


def write_name(name: str, *, is_utf8: bool) -> bytes:
    """The name as a client reads it, ready for a response."""
    if is_utf8 and not name.isascii():
        return utf8_string(name)
    return astring(name.encode() if is_utf8 else encode_name(name))
