"""The first words of a message (RFC 8970)."""

import html
import re

from mailhost.protocols.message.leaves import first_text
from mailhost.protocols.message.parameters import parameter
from mailhost.protocols.message.scanner import Part
from mailhost.protocols.message.text import decode_charset, decode_transfer, one_line

PREVIEW_CHARACTERS = 200  # RFC 8970 section 3.1: at most 256; 200 is what it recommends

# Octets to look at: of plain text the first are nearly always enough, HTML may begin with much style.
_LOOKS = (512, 2_048, 65_536)
_INVISIBLE = re.compile(r"(script|style|head|title|template|svg)\b", re.IGNORECASE)
_INVISIBLE_PADDING = re.compile(
    "[\u00ad\u034f\u200b-\u200f\u2060\ufeff]+"
)  # newsletters pad their previews with it


def preview(octets: bytes, root: Part) -> str:
    part = first_text(root)
    if part is None:
        return ""
    text, look = "", 0
    size = part.body_end - part.body_start
    is_html = part.content_type.media_type == b"text/html"
    charset = parameter(part.content_type.parameters, b"charset")
    encoding = part.transfer_encoding
    for look in _LOOKS[1:] if is_html else _LOOKS:
        raw = octets[part.body_start : min(part.body_end, part.body_start + look)]
        text = decode_charset(decode_transfer(raw, encoding), charset)
        if is_html:
            text = text_of_html(text, limit=4 * PREVIEW_CHARACTERS)
        if not text.isascii():
            text = _INVISIBLE_PADDING.sub("", text)
        text = one_line(text, limit=PREVIEW_CHARACTERS)
        if size <= look or len(text) >= PREVIEW_CHARACTERS:
            break
    return text.rstrip("\ufffd") if size > look else text


def text_of_html(source: str, *, limit: int) -> str:
    """The visible words of the HTML's beginning, in one pass; a preview, not a rendering."""
    lowered = source.lower()
    pieces: list[str] = []
    length = at = 0
    while length < limit:
        tag = source.find("<", at)
        if tag < 0:
            pieces.append(source[at:])
            break
        piece = source[at:tag]
        if not piece.isspace():
            length += len(piece)
        pieces.append(piece)
        if source.startswith("<!--", tag):
            end, width = source.find("-->", tag), 3
        elif invisible := _INVISIBLE.match(source, tag + 1):
            end, width = lowered.find("</" + invisible[1].lower(), tag), 2
        elif source[tag + 1 : tag + 2].isalpha() or source[tag + 1 : tag + 2] in ("/", "!", "?"):
            end, width = source.find(">", tag), 1
            pieces.append(" ")
        else:
            pieces.append("<")
            end, width = tag, 1
        if end < 0:
            break
        at = end + width
        if width == 2:  # behind "</": the rest of the closing tag goes too
            at = source.find(">", at) + 1 or len(source)
    return html.unescape("".join(pieces))
