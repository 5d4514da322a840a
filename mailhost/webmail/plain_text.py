"""Plain text as HTML: escaped, with its links made links and its quotations set apart."""

import re
from itertools import groupby

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# RFC 3986 allows more; what people mean to be a link ends before quotes, angle brackets and closing punctuation.
LINK = re.compile(r"https?://[^\s<>\"']{1,2000}", re.IGNORECASE)
CLOSING = ".,;:!?)]}*_"
MAX_LINKED_CHARACTERS = 500_000  # longer texts are logs, and are shown as they are


def to_html(text: str) -> SafeString:
    """Goes into a <pre>."""
    if len(text) > MAX_LINKED_CHARACTERS:
        return format_html("{}", text)
    blocks: list[str] = []
    for is_quoted, lines in groupby(text.splitlines(keepends=True), key=lambda line: line.startswith(">")):
        block = _with_links("".join(lines))
        blocks.append(f'<span class="quoted">{block}</span>' if is_quoted else block)
    return mark_safe("".join(blocks))  # noqa: S308 - every piece was escaped


def _with_links(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for match in LINK.finditer(text):
        url = match[0]
        while url and url[-1] in CLOSING and not (url[-1] == ")" and url.count("(") >= url.count(")")):
            url = url[:-1]
        pieces.append(str(escape(text[done : match.start()])))
        pieces.append(
            str(
                format_html(
                    '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', url, url
                )
            )
        )
        done = match.start() + len(url)
    pieces.append(str(escape(text[done:])))
    return "".join(pieces)
