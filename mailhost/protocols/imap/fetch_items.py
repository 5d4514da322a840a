"""What FETCH may ask for (RFC 3501 sections 6.4.5 and 9, fetch-att), as values.

With BINARY (RFC 3516), EMAILID and THREADID (RFC 8474), SAVEDATE (RFC 8514) and PREVIEW (RFC 8970).
"""

import re
from dataclasses import dataclass, replace
from enum import Enum

from mailhost.protocols.imap.cursor import ASTRING_ATOM, Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.framing import CommandText


class Attribute(Enum):
    """Items without a section; the value is the word on the wire."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    RFC822_SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    BODY = b"BODY"  # BODYSTRUCTURE without extension data
    MODSEQ = b"MODSEQ"  # RFC 7162
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"
    PREVIEW = b"PREVIEW"


class SectionText(Enum):
    """What of a part is meant: section-text and section-msgtext."""

    ALL = ""
    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """BODY[…] and its RFC822 forms. `label` is what the response calls it, without the partial's origin."""

    label: bytes
    part: tuple[int, ...] = ()
    text: SectionText = SectionText.ALL
    fields: tuple[bytes, ...] = ()
    partial: tuple[int, int] | None = None  # (first octet, number of octets)
    is_peek: bool = False  # does not set \Seen

    @property
    def response_label(self) -> bytes:
        return self.label if self.partial is None else b"%b<%d>" % (self.label, self.partial[0])

    @property
    def is_whole(self) -> bool:
        """BODY[]: all octets of the message, or a partial of them."""
        return self.text is SectionText.ALL and not self.part


@dataclass(frozen=True, slots=True)
class Binary:
    """BINARY[…], BINARY.PEEK[…] and BINARY.SIZE[…]: a part without its content-transfer-encoding."""

    label: bytes
    part: tuple[int, ...]
    partial: tuple[int, int] | None = None  # in the decoded octets
    is_peek: bool = False
    is_size: bool = False

    @property
    def response_label(self) -> bytes:
        return self.label if self.partial is None else b"%b<%d>" % (self.label, self.partial[0])


FetchItem = Attribute | Section | Binary


def sets_seen(item: FetchItem) -> bool:
    """Whether telling the item means that the message was read."""
    return not isinstance(item, Attribute) and not item.is_peek


def extension_of(item: FetchItem) -> str:
    """The capability that the item comes with, where that can be switched off."""
    if isinstance(item, Binary):
        return "BINARY"
    return _EXTENSIONS.get(item, "") if isinstance(item, Attribute) else ""


_EXTENSIONS = {
    Attribute.EMAILID: "OBJECTID",
    Attribute.THREADID: "OBJECTID",
    Attribute.SAVEDATE: "SAVEDATE",
    Attribute.PREVIEW: "PREVIEW",
    Attribute.MODSEQ: "CONDSTORE",
}

# macro (RFC 3501 section 6.4.5): stands alone, not inside a list
MACROS: dict[bytes, tuple[FetchItem, ...]] = {
    b"ALL": (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.RFC822_SIZE, Attribute.ENVELOPE),
    b"FAST": (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.RFC822_SIZE),
    b"FULL": (
        Attribute.FLAGS,
        Attribute.INTERNALDATE,
        Attribute.RFC822_SIZE,
        Attribute.ENVELOPE,
        Attribute.BODY,
    ),
}
_PLAIN: dict[bytes, FetchItem] = {
    **{attribute.value: attribute for attribute in Attribute},
    b"RFC822": Section(b"RFC822"),
    b"RFC822.HEADER": Section(b"RFC822.HEADER", text=SectionText.HEADER, is_peek=True),
    b"RFC822.TEXT": Section(b"RFC822.TEXT", text=SectionText.TEXT),
}
_NAME = re.compile(rb"[A-Za-z0-9.]+")
# section-part = nz-number *("." nz-number)
_PART = re.compile(rb"[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8}){0,99}")
_TEXT = re.compile(rb"HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME", re.IGNORECASE)
# "<" number "." nz-number ">"
_PARTIAL = re.compile(rb"<([0-9]{1,10})\.([0-9]{1,10})>")
# SP "(" preview-mod *(SP preview-mod) ")" (RFC 8970 section 6). What is in the store is told at once, LAZY or not.
_PREVIEW_MODIFIERS = re.compile(rb" \(LAZY(?: LAZY)*\)", re.IGNORECASE)
_BINARY = {b"BINARY": (False, False), b"BINARY.PEEK": (True, False), b"BINARY.SIZE": (True, True)}
MAX_ITEMS = 100
MAX_FIELDS = 200


def take_fetch_items(cursor: Cursor) -> tuple[FetchItem, ...]:
    """fetch = … ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"), each item once."""
    if cursor.comes(b"("):
        items = cursor.parenthesised(take_fetch_item, "a FETCH item")
        if len(items) > MAX_ITEMS:
            raise ImapSyntaxError("too many FETCH items")
        return tuple(dict.fromkeys(items))
    start = cursor.at
    macro = MACROS.get(cursor.take(_NAME, "a FETCH item").upper())
    if macro is not None:
        return macro
    cursor.at = start
    return (take_fetch_item(cursor),)


def take_fetch_item(cursor: Cursor) -> FetchItem:
    name = cursor.take(_NAME, "a FETCH item").upper()
    if name in (b"BODY", b"BODY.PEEK") and cursor.take_if(b"["):
        return _take_section(cursor, is_peek=name == b"BODY.PEEK")
    if name in _BINARY and cursor.take_if(b"["):
        return _take_binary(cursor, name)
    if name == b"PREVIEW" and (modifiers := _PREVIEW_MODIFIERS.match(cursor.octets, cursor.at)):
        cursor.at = modifiers.end()
    item = _PLAIN.get(name)
    if item is None:
        raise ImapSyntaxError(f"{name.decode('ascii')} is not a FETCH item")
    return item


def _take_section(cursor: Cursor, *, is_peek: bool) -> Section:
    """section = "[" [section-spec] "]" ["<" number "." nz-number ">"], behind the "["."""
    part, words = _take_part(cursor)
    text = SectionText.ALL
    fields: tuple[bytes, ...] = ()
    if not part or cursor.take_if(b"."):
        text, fields, spelled = _take_section_text(cursor, is_needed=bool(part))
        words += b"." + spelled if part else spelled
    if text is SectionText.MIME and not part:
        raise ImapSyntaxError("MIME needs a part number")
    cursor.expect(b"]")
    return Section(b"BODY[%b]" % words, part, text, fields, _take_partial(cursor), is_peek)


def parse_section(spelled: bytes, partial: tuple[int, int] | None) -> Section:
    """A section on its own, as a URL has it. Raises ImapSyntaxError."""
    cursor = Cursor(CommandText(spelled + b"]"))
    section = _take_section(cursor, is_peek=True)
    cursor.end()
    return replace(section, partial=partial)


def _take_binary(cursor: Cursor, name: bytes) -> Binary:
    """section-binary = "[" [section-part] "]", and a partial where the octets are asked for, behind the "["."""
    is_peek, is_size = _BINARY[name]
    part, words = _take_part(cursor)
    cursor.expect(b"]")
    label = b"%b[%b]" % (name if is_size else b"BINARY", words)
    return Binary(label, part, None if is_size else _take_partial(cursor), is_peek, is_size)


def _take_part(cursor: Cursor) -> tuple[tuple[int, ...], bytes]:
    """[section-part]: its numbers, and how it was written."""
    match = _PART.match(cursor.octets, cursor.at)
    if match is None:
        return (), b""
    cursor.at = match.end()
    return tuple(int(number) for number in match[0].split(b".")), match[0]


def _take_section_text(cursor: Cursor, *, is_needed: bool) -> tuple[SectionText, tuple[bytes, ...], bytes]:
    match = _TEXT.match(cursor.octets, cursor.at)
    if match is None:
        if is_needed:
            raise ImapSyntaxError("expected HEADER, HEADER.FIELDS, TEXT or MIME")
        return SectionText.ALL, (), b""
    cursor.at = match.end()
    text = SectionText(match[0].upper().decode("ascii"))
    spelled = text.value.encode("ascii")
    if text not in (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT):
        return text, (), spelled
    cursor.space()
    fields = tuple(cursor.parenthesised(lambda c: c.astring_octets("a field name"), "a field name"))
    if len(fields) > MAX_FIELDS:
        raise ImapSyntaxError("too many field names")
    return text, fields, b"%b (%b)" % (spelled, b" ".join(_field_name(field) for field in fields))


def _field_name(field: bytes) -> bytes:
    """A field name as the response repeats it: as it was sent, quoted where it is no atom."""
    if ASTRING_ATOM.fullmatch(field) and b"]" not in field:
        return field
    if not field.isascii() or b"\r" in field or b"\n" in field:
        raise ImapSyntaxError("a field name is made of printable US-ASCII (RFC 5322 section 2.2)")
    return b'"%b"' % field.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _take_partial(cursor: Cursor) -> tuple[int, int] | None:
    match = _PARTIAL.match(cursor.octets, cursor.at)
    if match is None:
        return None
    cursor.at = match.end()
    if int(match[2]) == 0:
        raise ImapSyntaxError("a partial of no octets")
    return int(match[1]), int(match[2])
