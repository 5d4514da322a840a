"""What reports of other hosts are made of (RFC 6522): blocks of fields for programs, and the message they are about.

All of it is hostile text: so much is read, and no more; everything that is told is on one line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailhost.protocols.message.header import header_fields
from mailhost.protocols.message.scanner import Kind, Limits, Part
from mailhost.protocols.message.text import decode_charset, decode_transfer, one_line

MAX_OCTETS: Final = 1 << 20  # of a message that are looked at: reports stand in front of what they return
LIMITS: Final = Limits(depth=20, parts=100, header_octets=64 << 10, header_fields=1_000)
MAX_PART_OCTETS: Final = 256 << 10  # of one part
MAX_BLOCKS: Final = 1_001  # about the message, and about its recipients
MAX_FIELDS: Final = 100  # of one block
MAX_TEXT: Final = 1_000  # characters of one value
MAX_ADDRESS: Final = 320

Block = dict[str, list[str]]
"""Field name in lower case -> its unfolded values."""

_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)*\n")
_FIELD = re.compile(r"^([!-9;-~]{1,100}+)[ \t]*+:([^\n]*+(?:\n[ \t]++[^\n \t][^\n]*+)*)", re.MULTILINE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}+>")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,250}@[^\s<>()\[\],;:\"@]{1,250}")
_HEX_CHARACTER = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_COMMENT = re.compile(r"\s*+\([^()]{0,200}+\)\s*+$")
_RETURNED_HEADER: Final = frozenset((b"text/rfc822-headers", b"message/global-headers"))


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a report quotes of the message that it is about; "" where it does not. return_path: an address; to: the one
    address of its To field, where that has one alone."""

    message_id: str = ""
    return_path: str = ""
    to: str = ""


def own_parts(root: Part) -> Iterator[Part]:
    """The message's parts, but for those of messages in it: a report that somebody forwards is not one."""
    yield root
    if root.kind is Kind.MULTIPART:
        for child in root.children:
            yield from own_parts(child)


def text_of(octets: bytes, part: Part) -> str:
    """Its text with LF, whatever it is encoded in."""
    body = decode_transfer(octets[part.body_start : part.body_end][:MAX_PART_OCTETS], part.transfer_encoding)
    charset = next(
        (value for name, value in part.content_type.parameters if name.lower() == b"charset"), None
    )
    return decode_charset(body, charset).replace("\r\n", "\n").replace("\r", "\n")


def read_blocks(text: str) -> list[Block]:
    """Fields by block, as far as they are read; lines that are none are passed over."""
    blocks = []
    for piece in _BLANK_LINES.split(text.strip("\n"), maxsplit=MAX_BLOCKS)[:MAX_BLOCKS]:
        block: Block = {}
        for number, field in enumerate(_FIELD.finditer(piece)):
            if number >= MAX_FIELDS:
                break
            block.setdefault(field[1].lower(), []).append(one_line(field[2], limit=MAX_TEXT))
        if block:
            blocks.append(block)
    return blocks


def first(block: Block, name: str) -> str:
    """The field's first value; "" where there is none."""
    return block.get(name, [""])[0]


def typed_value(value: str) -> str:
    """What stands behind the type, as in "dns; mx.example.org" (RFC 3464 section 2.1.2)."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and len(kind) < 50 else value


def typed_address(value: str) -> str:
    """The address of an address field (RFC 3464 section 2.3.1, in UTF-8 RFC 6533 section 3), bare; "" for none."""
    kind, _, _ = value.partition(";")
    address = _COMMENT.sub("", typed_value(value))
    if kind.strip().lower() == "utf-8":
        address = _HEX_CHARACTER.sub(_character, address)
    return bare_address(address)


def bare_address(text: str) -> str:
    """Without brackets; "" for what has no @, or is too long to be an address."""
    address = text.strip().removeprefix("<").removesuffix(">").strip()
    return address if "@" in address and len(address) <= MAX_ADDRESS else ""


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    is_character = 0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else "\ufffd"


def quoted_message(octets: bytes, root: Part) -> Quoted:
    """What is known of the message out of the part that returns it or its header (RFC 6522 section 3)."""
    for part in own_parts(root):
        if part.kind is Kind.MESSAGE and part.children:
            inner = part.children[0]
            return quoted_header(octets[inner.header_start : inner.body_start])
        if part.content_type.media_type in _RETURNED_HEADER:
            return quoted_header(text_of(octets, part).encode("utf-8", "replace"))
    return Quoted()


def quoted_header(header: bytes) -> Quoted:
    """Of a header, or the beginning of a message."""
    fields = header_fields(header[:MAX_PART_OCTETS], (b"message-id", b"return-path", b"to"))
    block = next(iter(read_blocks(_text(fields))), {})
    found = _MESSAGE_ID.search(first(block, "message-id"))
    addressed = _ADDRESS.findall(first(block, "to"))
    return Quoted(
        found[0] if found else "",
        bare_address(first(block, "return-path")),
        addressed[0] if len(addressed) == 1 else "",
    )


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
