"""GETMETADATA, SETMETADATA and the METADATA response (RFC 5464 section 5)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import take_mailbox
from mailhost.protocols.imap.responses import astring, literal8, nstring

# Section 3.2: components between single slashes, without "*", "%", controls and what is not ASCII; first the scope.
_ENTRY = re.compile(rb"/(?:private|shared)(?:/[^\x00-\x1f%*/\x7f-\xff]+)*", re.IGNORECASE)
_VENDOR = re.compile(r"/(?:private|shared)/vendor(?:/[^/]+)?")
MAX_ENTRY_OCTETS = 1_000
MAX_ENTRIES = 100  # of one command: each is looked for by itself
INFINITE = 1 << 30


@dataclass(frozen=True, slots=True)
class GetMetadata(Command):
    """Section 4.2. Without a name the server's entries; entries in lower case."""

    extension = "METADATA"

    name: str
    entries: tuple[str, ...]
    max_octets: int | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class SetMetadata(Command):
    """Section 4.3. Without a value the entry is removed."""

    extension = "METADATA"

    name: str
    values: dict[str, bytes | None] = field(repr=False)


def metadata_response(name: bytes, values: Iterable[tuple[str, bytes | None]]) -> bytes:
    """`* METADATA name (entry value …)`; the name in wire form."""
    told = (b"%b %b" % (astring(entry.encode("ascii")), _value(value)) for entry, value in values)
    return b"* METADATA %b (%b)\r\n" % (name, b" ".join(told))


def metadata_names_response(name: bytes, entries: Iterable[str]) -> bytes:
    """Section 4.4.2, unsolicited: `* METADATA name entry …` says which entries have other values now."""
    told = b" ".join(astring(entry.encode("ascii")) for entry in entries)
    return b"* METADATA %b %b\r\n" % (name, told)


def _value(value: bytes | None) -> bytes:
    """value = nstring / literal8."""
    return literal8(value) if value is not None and b"\x00" in value else nstring(value)


def take_entries(cursor: Cursor) -> tuple[str, ...]:
    """entries = entry / "(" entry *(SP entry) ")", each once."""
    entries = cursor.parenthesised(_take_entry, "an entry") if cursor.comes(b"(") else [_take_entry(cursor)]
    if len(entries) > MAX_ENTRIES:
        raise ImapSyntaxError("too many entries")
    return tuple(dict.fromkeys(entries))


def _take_entry(cursor: Cursor) -> str:
    octets = cursor.astring_octets("an entry")
    if len(octets) > MAX_ENTRY_OCTETS or not _ENTRY.fullmatch(octets):
        raise ImapSyntaxError("that is not the name of an entry (RFC 5464 section 3.2)")
    return octets.decode("ascii").lower()


def _take_get(cursor: Cursor) -> GetMetadata:
    """getmetadata = "GETMETADATA" [SP options] SP mailbox SP entries; its examples have the options after the name."""
    options: dict[str, int] = {}
    cursor.space()
    if cursor.comes(b"("):
        _take_options(cursor, options)
        cursor.space()
    name = take_mailbox(cursor)
    cursor.space()
    if not options and cursor.comes(b"(") and cursor.octets[cursor.at + 1 : cursor.at + 2].isalpha():
        _take_options(cursor, options)
        cursor.space()
    return GetMetadata(name, take_entries(cursor), options.get("MAXSIZE"), options.get("DEPTH", 0))


def _take_options(cursor: Cursor, options: dict[str, int]) -> None:
    """getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"."""

    def take(inner: Cursor) -> None:
        option = inner.word("an option")
        inner.space()
        if option == "MAXSIZE":
            options[option] = inner.number("a size")
        elif option == "DEPTH":
            depth = inner.word("a depth")
            if depth not in {"0", "1", "INFINITY"}:
                raise ImapSyntaxError("DEPTH is 0, 1 or infinity")
            options[option] = INFINITE if depth == "INFINITY" else int(depth)
        else:
            raise ImapSyntaxError(f"{option[:40]} is not an option of GETMETADATA")

    cursor.parenthesised(take, "an option")


def _take_set(cursor: Cursor) -> SetMetadata:
    """setmetadata = "SETMETADATA" SP mailbox SP "(" entry SP value *(SP entry SP value) ")"."""
    cursor.space()
    name = take_mailbox(cursor)
    cursor.space()
    values = cursor.parenthesised(_take_pair, "an entry")
    if len(values) > MAX_ENTRIES:
        raise ImapSyntaxError("too many entries")
    return SetMetadata(name, dict(values))


def _take_pair(cursor: Cursor) -> tuple[str, bytes | None]:
    entry = _take_entry(cursor)
    if entry.count("/") < 2 or _VENDOR.fullmatch(entry):
        raise ImapSyntaxError("the name of the entry has too few components (RFC 5464 section 3.2)")
    cursor.space()
    if not cursor.take_if(b"~"):
        return entry, cursor.nstring_octets("a value")
    octets = cursor.literal_octets()  # literal8 (RFC 3516), which may hold NULs
    if octets is None:
        raise ImapSyntaxError("expected a literal")
    return entry, octets


PARSERS: dict[str, Callable[[Cursor], Command]] = {"GETMETADATA": _take_get, "SETMETADATA": _take_set}
