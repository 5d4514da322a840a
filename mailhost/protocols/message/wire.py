"""IMAP strings in wire form: quoted where the grammar allows it, literals where it does not (RFC 9051 section 9)."""

import re

_NOT_PLAIN = re.compile(rb'["\\\x00\r\n\x80-\xff]').search
_NEEDS_LITERAL = re.compile(rb"[\r\n\x80-\xff]").search
_QUOTED_SPECIALS = re.compile(rb'(["\\])')


def string(value: bytes) -> bytes:
    """A `string` of the grammar. NUL is in neither form (CHAR and CHAR8 begin at %x01), so it leaves as "?"."""
    if _NOT_PLAIN(value) is None:
        return b'"%b"' % value
    value = value.replace(b"\0", b"?")
    if _NEEDS_LITERAL(value) is not None:
        return b"{%d}\r\n%b" % (len(value), value)
    return b'"%b"' % _QUOTED_SPECIALS.sub(rb"\\\1", value)


def nstring(value: bytes | None) -> bytes:
    """A `string`, or NIL where there is no value (which is not the same as an empty one)."""
    return b"NIL" if value is None else string(value)
