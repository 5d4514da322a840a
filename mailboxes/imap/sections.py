"""BODY[…]: which octets of a message a section means, and what is told of them (RFC 3501 section 6.4.5)."""

from mailhost.protocols.imap.fetch_items import Section, SectionText
from mailhost.protocols.imap.header_picking import pick_fields
from mailhost.protocols.imap.responses import literal
from mailhost.protocols.message import PartMap, header_fields
from mailhost.protocols.message import SectionText as SpanText

_SPAN_TEXTS: dict[SectionText, SpanText] = {
    SectionText.ALL: "",
    SectionText.HEADER: "HEADER",
    SectionText.HEADER_FIELDS: "HEADER",
    SectionText.HEADER_FIELDS_NOT: "HEADER",
    SectionText.TEXT: "TEXT",
    SectionText.MIME: "MIME",
}
_FILTERED = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)


def is_of_header(section: Section) -> bool:
    """Whether the message's own header is enough to answer."""
    return not section.part and section.text in (SectionText.HEADER, *_FILTERED)


def is_filtered(section: Section) -> bool:
    """Whether fields are picked, so that the length is known only after reading."""
    return section.text in _FILTERED


def span(section: Section, parts: bytes) -> tuple[int, int] | None:
    """(start, end) in the message's octets, before a partial; None where there is no such part."""
    return PartMap.unpack(parts).span(section.part, _SPAN_TEXTS[section.text])


def clip(start: int, end: int, partial: tuple[int, int] | None) -> tuple[int, int]:
    """The span that a partial leaves of it: beyond the end nothing, which is an empty string."""
    if partial is None:
        return start, end
    first = min(start + partial[0], end)
    return first, min(first + partial[1], end)


def filter_fields(section: Section, header: bytes) -> bytes:
    """The fields asked for of a header, and the empty line."""
    if section.text is SectionText.HEADER_FIELDS:
        picked = pick_fields(header, section.fields)
    else:
        picked = header_fields(header, section.fields, exclude=True)
    start, end = clip(0, len(picked), section.partial)
    return picked[start:end]


def header_text(section: Section, header: bytes) -> bytes:
    """A section of the message's own header, where that alone was read."""
    if is_filtered(section):
        return literal(filter_fields(section, header))
    start, end = clip(0, len(header), section.partial)
    return literal(header[start:end])


def section_text(section: Section, octets: bytes, parts: bytes) -> bytes:
    """The section of these octets as it goes on the wire: a literal, or NIL where there is no such part."""
    found = (0, len(octets)) if section.is_whole else span(section, parts)
    if found is None:
        return b"NIL"
    start, end = found
    if is_filtered(section):
        return literal(filter_fields(section, octets[start:end]))
    start, end = clip(start, end, section.partial)
    return literal(octets[start:end])
