"""What brings messages in: APPEND (RFC 3501 section 6.3.11) of one or many (RFC 3502), REPLACE (RFC 8508).

A message is a literal, a literal8 (RFC 3516), UTF8 (RFC 6855 section 4), or CATENATE of pieces (RFC 4469).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import TAG, Cursor
from mailhost.protocols.imap.dates import take_date_time
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.flags import take_flag_list
from mailhost.protocols.imap.framing import CommandText
from mailhost.protocols.imap.names import take_mailbox
from mailhost.protocols.imap.sequence_sets import SequenceSet, take_sequence_number
from mailhost.protocols.imap.states import WITH_MAILBOX

MAX_PIECES = 500  # of one message; each URL costs a look into the store


@dataclass(frozen=True, slots=True)
class Url:
    """A piece of a message that is here already, as an IMAP URL."""

    url: str


Piece = bytes | Url


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message as the client sends it. `extensions` are the capabilities that its form comes with."""

    flags: tuple[str, ...]
    internal_date: datetime | None
    pieces: tuple[Piece, ...] = field(repr=False)
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Append(Command):
    """Section 6.3.11; several messages are stored all or none (RFC 3502)."""

    name: str
    messages: tuple[NewMessage, ...]

    @property
    def extensions(self) -> frozenset[str]:
        """The capabilities without which it would not have been understood."""
        many = {"MULTIAPPEND"} if len(self.messages) > 1 else ()
        return frozenset().union(many, *(message.extensions for message in self.messages))


@dataclass(frozen=True, slots=True)
class Replace(Command):
    """RFC 8508: a message in the place of the one with this number, or UID."""

    allowed_in = WITH_MAILBOX
    extension = "REPLACE"

    replaced: SequenceSet
    name: str
    message: NewMessage
    by_uid: bool = False


def target_of(beginning: CommandText, *, has_utf8_names: bool) -> tuple[str, bool] | None:
    """Where the messages of a command are to go, of which only the beginning is here, and whether it is APPEND.

    None where that cannot be read: what is wrong with the command is said when all of it has come.
    """
    cursor = Cursor(beginning, has_utf8_names=has_utf8_names)
    try:
        cursor.take(TAG, "a tag")
        cursor.space()
        is_append = cursor.take_if(b"APPEND ")
        if not is_append:
            if cursor.take_if(b"UID "):
                cursor.skip_spaces()
            cursor.expect(b"REPLACE")
            cursor.space()
            take_sequence_number(cursor)
            cursor.space()
        cursor.skip_spaces()
        return take_mailbox(cursor), is_append
    except ImapSyntaxError:
        return None


def _append(cursor: Cursor) -> Append:
    """append = "APPEND" SP mailbox 1*append-message."""
    cursor.space()
    name = take_mailbox(cursor)
    messages = [_message(cursor)]
    while cursor.comes(b" ") and not cursor.octets[cursor.at :].isspace():
        messages.append(_message(cursor))
    return Append(name, tuple(messages))


def _replace(*, by_uid: bool) -> Callable[[Cursor], Replace]:
    def take(cursor: Cursor) -> Replace:
        cursor.space()
        replaced = take_sequence_number(cursor)
        cursor.space()
        return Replace(replaced, take_mailbox(cursor), _message(cursor), by_uid)

    return take


def _message(cursor: Cursor) -> NewMessage:
    """append-message = [SP flag-list] [SP date-time] SP append-data."""
    cursor.space()
    flags: tuple[str, ...] = ()
    if cursor.comes(b"("):
        flags = take_flag_list(cursor)
        cursor.space()
    internal_date = None
    if cursor.comes(b'"'):
        internal_date = take_date_time(cursor)
        cursor.space()
    if cursor.take_if(b"CATENATE "):
        pieces, extensions = _pieces(cursor)
        return NewMessage(flags, internal_date, pieces, extensions | {"CATENATE"})
    if cursor.take_if(b"UTF8 ("):
        piece = _literal8(cursor)
        cursor.expect(b")")
        return NewMessage(flags, internal_date, (piece,), frozenset({"UTF8=ACCEPT"}))
    piece, extensions = _literal(cursor)
    return NewMessage(flags, internal_date, (piece,), extensions)


def _pieces(cursor: Cursor) -> tuple[tuple[Piece, ...], frozenset[str]]:
    """ "(" cat-part *(SP cat-part) ")";  cat-part = "TEXT" SP literal / "URL" SP astring."""
    extensions: frozenset[str] = frozenset()

    def take(cursor: Cursor) -> Piece:
        nonlocal extensions
        if cursor.take_if(b"URL "):
            return Url(cursor.astring("a URL"))
        cursor.expect(b"TEXT ")
        piece, found = _literal(cursor)
        extensions |= found
        return piece

    pieces = cursor.parenthesised(take, "TEXT or URL")
    if len(pieces) > MAX_PIECES:
        raise ImapSyntaxError("too many pieces")
    return tuple(pieces), extensions


def _literal(cursor: Cursor) -> tuple[bytes, frozenset[str]]:
    """literal / literal8. NULs are let through in both: what is stored is what was sent."""
    if cursor.comes(b"~"):
        return _literal8(cursor), frozenset({"BINARY"})
    octets = cursor.literal_octets()
    if octets is None:
        raise ImapSyntaxError("expected the message as a literal")
    return octets, frozenset()


def _literal8(cursor: Cursor) -> bytes:
    cursor.expect(b"~")
    octets = cursor.literal_octets()
    if octets is None:
        raise ImapSyntaxError("expected a literal8")
    return octets


PARSERS: dict[str, Callable[[Cursor], Command]] = {"APPEND": _append, "REPLACE": _replace(by_uid=False)}
UID_PARSERS: dict[str, Callable[[Cursor], Command]] = {"UID REPLACE": _replace(by_uid=True)}
