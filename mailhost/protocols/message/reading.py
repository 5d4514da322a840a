"""A message as a person reads it: who, when, what text, which attachments (RFC 5322, RFC 2046, RFC 2392).

HTML comes out as it was sent, so whoever shows it has to clean it.
"""

import html
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mailhost.protocols.message.address_list import ListedAddress
from mailhost.protocols.message.dates import parse_date
from mailhost.protocols.message.envelope import AddressBudget, correspondents
from mailhost.protocols.message.leaves import disposition_of, filename_of, is_attachment
from mailhost.protocols.message.parameters import parameter
from mailhost.protocols.message.scanner import LIMITS, Kind, Limits, Part, scan
from mailhost.protocols.message.text import decode_charset, decode_transfer, decode_words, one_line
from mailhost.protocols.message.working_out import message_id_of, references_of

MAX_TEXT_OCTETS = 2_000_000  # of one text part; a browser shows no more of it in useful time
MAX_FILENAME_CHARACTERS = 200  # file systems take 255 octets


_NOT_IN_FILENAMES = re.compile(r'[/\\:*?"<>|]+')
_NEEDS_QUOTES = re.compile(rb'[\x00-\x20()<>\[\]:;@\\,"]')  # RFC 5322 section 3.2.3: not in an atom


class Correspondent(NamedTuple):
    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True)
class AttachedPart:
    section: str
    """"2.1", for read_attachment."""
    filename: str
    """Never empty, without folders and controls."""
    content_type: str
    """type/subtype in lower case. It is the sender's word: not a reason to show the octets as a page."""
    size_octets: int
    """Decoded; for quoted-printable as it is stored."""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ReadableMessage:
    subject: str
    from_: tuple[Correspondent, ...]
    to: tuple[Correspondent, ...]
    cc: tuple[Correspondent, ...]
    reply_to: tuple[Correspondent, ...]
    date: datetime | None
    message_id: str
    references: tuple[str, ...]
    text_html: str | None
    text_plain: str | None
    attachments: tuple[AttachedPart, ...]
    inline: dict[str, AttachedPart] = field(default_factory=dict)
    """Content-ID without brackets -> part: what cid: addresses in the HTML mean."""
    is_cut: bool = False
    """Whether there is more text than was read."""


@dataclass(frozen=True, slots=True)
class AttachedOctets:
    filename: str
    content_type: str
    octets: bytes


class _Piece(NamedTuple):
    """A stretch of the text, in one form or both."""

    html: str | None
    plain: str | None


def read_message(
    octets: bytes, *, limits: Limits = LIMITS, max_text_octets: int = MAX_TEXT_OCTETS
) -> ReadableMessage:
    """Never raises, whatever the octets."""
    root = scan(octets, limits=limits)
    reader = _Reader(octets, max_text_octets)
    pieces = reader.read(root, ())
    addresses = correspondents(root.fields, AddressBudget.of(limits))
    date = root.field(b"date")
    text_html = _html_of(pieces) if any(piece.html is not None for piece in pieces) else None
    for content_id, part in reader.inline.items():
        if text_html is None or content_id not in text_html:
            reader.attachments.append(part)  # nothing shows it, so it is offered
    return ReadableMessage(
        subject=one_line(decode_words(root.field(b"subject") or b""), limit=10_000),
        from_=_people(addresses.get(b"from", ())),
        to=_people(addresses.get(b"to", ())),
        cc=_people(addresses.get(b"cc", ())),
        reply_to=_people(addresses.get(b"reply-to", ())),
        date=parse_date(date) if date else None,
        message_id=message_id_of(root.fields),
        references=references_of(root.fields),
        text_html=text_html,
        text_plain=_plain_of(pieces),
        attachments=tuple(reader.attachments),
        inline=reader.inline,
        is_cut=reader.is_cut,
    )


def read_attachment(octets: bytes, section: str, *, limits: Limits = LIMITS) -> AttachedOctets | None:
    """One part decoded; None where there is no such leaf."""
    if not re.fullmatch(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,99}", section):
        return None
    part: Part | None = scan(octets, limits=limits)
    numbers = [int(number) for number in section.split(".")]
    assert part is not None
    if part.kind is not Kind.MULTIPART:
        if numbers != [1]:
            return None
    else:
        for number in numbers:
            if part.kind is not Kind.MULTIPART or number > len(part.children):
                return None
            part = part.children[number - 1]
    if part.kind is Kind.MULTIPART:
        return None
    content = decode_transfer(octets[part.body_start : part.body_end], part.transfer_encoding)
    return AttachedOctets(_safe_filename(part, section), _type_of(part), content)


class _Reader:
    def __init__(self, octets: bytes, max_text_octets: int) -> None:
        self.octets = octets
        self.max_text_octets = max_text_octets
        self.attachments: list[AttachedPart] = []
        self.inline: dict[str, AttachedPart] = {}
        self.is_cut = False

    def read(self, part: Part, section: tuple[int, ...], *, is_choice: bool = False) -> list[_Piece]:
        """is_choice: the part is one form of what is told in others as well."""
        media_type = part.content_type.media_type
        if part.kind is Kind.MULTIPART:
            is_choice = media_type == b"multipart/alternative"
            children = [
                self.read(child, (*section, number), is_choice=is_choice)
                for number, child in enumerate(part.children, 1)
            ]
            if is_choice:
                return _best_of(children)
            return [piece for pieces in children for piece in pieces]
        if media_type in (b"text/plain", b"text/html") and not is_attachment(part):
            text = self._text(part)
            return [_Piece(text, None) if media_type == b"text/html" else _Piece(None, text)]
        attached = self._attached(part, section or (1,))
        if attached.content_id:
            self.inline.setdefault(attached.content_id, attached)
        elif is_attachment(part) or (media_type.startswith(b"text/") and not is_choice):
            self.attachments.append(attached)  # also text that is not shown, such as the header in a notice
        return []

    def _text(self, part: Part) -> str:
        end = min(part.body_end, part.body_start + self.max_text_octets)
        self.is_cut = self.is_cut or end < part.body_end
        raw = decode_transfer(self.octets[part.body_start : end], part.transfer_encoding)
        text = decode_charset(raw, parameter(part.content_type.parameters, b"charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _attached(self, part: Part, section: tuple[int, ...]) -> AttachedPart:
        number = ".".join(map(str, section))
        content_id = (part.field(b"content-id") or b"").strip(b"<> \t")
        return AttachedPart(
            section=number,
            filename=_safe_filename(part, number),
            content_type=_type_of(part),
            size_octets=_decoded_size(self.octets, part),
            content_id=one_line(decode_charset(content_id, None), limit=998),
        )


def _best_of(alternatives: list[list[_Piece]]) -> list[_Piece]:
    """The last HTML is the richest one (RFC 2046 section 5.1.4), the first text the plainest."""
    richest = plainest = None
    for pieces in alternatives:
        if any(piece.html is not None for piece in pieces):
            richest = _html_of(pieces)
        elif pieces and plainest is None:
            plainest = _plain_of(pieces)
    return [] if richest is None and plainest is None else [_Piece(richest, plainest)]


def _html_of(pieces: Iterable[_Piece]) -> str:
    return "\n".join(
        piece.html if piece.html is not None else f"<pre>{html.escape(piece.plain or '')}</pre>"
        for piece in pieces
    )


def _plain_of(pieces: Iterable[_Piece]) -> str | None:
    texts = [piece.plain for piece in pieces if piece.plain is not None]
    return "\n".join(texts) if texts else None


def _people(addresses: Iterable[ListedAddress]) -> tuple[Correspondent, ...]:
    """Without the names of groups, which nobody can be reached by."""
    people = []
    for address in addresses:
        if address.host is None:
            continue
        spec = address.mailbox or b""
        if _NEEDS_QUOTES.search(spec):
            spec = b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", spec)
        if address.host:
            spec += b"@" + address.host
        people.append(
            Correspondent(
                one_line(decode_words(address.name or b""), limit=1_000),
                one_line(decode_charset(spec, None), limit=1_000),
            )
        )
    return tuple(people)


def _type_of(part: Part) -> str:
    media_type = part.content_type.media_type
    return media_type.decode() if media_type.isascii() else "application/octet-stream"


def _safe_filename(part: Part, section: str) -> str:
    name = filename_of(part, disposition_of(part))
    if not name and part.kind is Kind.MESSAGE:
        name = decode_words(part.children[0].field(b"subject") or b"")[:100]
        name = f"{name or 'message'}.eml"
    name = _NOT_IN_FILENAMES.sub("_", one_line(name, limit=1_000)).strip(". ")
    if not name:
        name = f"{_described(part) or f'attachment-{section}'}{_extension(_type_of(part))}"
    stem, dot, extension = name.rpartition(".")
    if len(name) > MAX_FILENAME_CHARACTERS and dot and len(extension) <= 10:
        return stem[: MAX_FILENAME_CHARACTERS - len(extension) - 1] + dot + extension
    return name[:MAX_FILENAME_CHARACTERS]


def _described(part: Part) -> str:
    """Notices of failures say what their parts are, and name no file (RFC 2045 section 8)."""
    description = one_line(decode_words(part.field(b"content-description") or b""), limit=100)
    return _NOT_IN_FILENAMES.sub("_", description).strip(". ")


def _extension(media_type: str) -> str:
    if found := mimetypes.guess_extension(media_type):
        return found
    return ".txt" if media_type.startswith(("text/", "message/")) else ".bin"


def _decoded_size(octets: bytes, part: Part) -> int:
    start, end = part.body_start, part.body_end
    if part.transfer_encoding != b"base64":
        return end - start
    blanks = octets.count(b"\n", start, end) + octets.count(b"\r", start, end)
    padding = octets.count(b"=", max(start, end - 6), end)
    return max((end - start - blanks) * 3 // 4 - padding, 0)
