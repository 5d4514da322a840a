"""A message's text as its reader sees it, as much of it as counts: the first words and the last ones.

The beginning is what people read. The end says who sends this to whom and why, and is where a text ends that hides
behind another one. What stands between says the same in more words; docs/spam.md has what was measured.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from mailboxes.junk.words import ENOUGH_CHARACTERS, first_words, last_words
from mailboxes.store.search_text import is_text, parts_of
from mailhost.protocols.message.html_text import text_of_html
from mailhost.protocols.message.parameters import parameter
from mailhost.protocols.message.scanner import Part
from mailhost.protocols.message.text import decode_charset, decode_transfer

FIRST_WORDS: Final = 400
LAST_WORDS: Final = 200
MAX_WORDS: Final = FIRST_WORDS + LAST_WORDS
# Of these the pairs of neighbours, which cost as much as all else together: more of them tell no more.
FIRST_IN_PAIRS: Final = 100
LAST_IN_PAIRS: Final = 50
MAX_PAIRS: Final = FIRST_IN_PAIRS + LAST_IN_PAIRS
# Octets of all text parts together, before they are decoded. Of HTML a tenth may be text.
FIRST_OCTETS: Final = 32 << 10
LAST_OCTETS: Final = 8 << 10
LINE_OCTETS: Final = 1_000  # of the longest line that there may be (RFC 5322 section 2.1.1)
MAX_PARTS: Final = 50
HTML: Final = b"text/html"


class Source(NamedTuple):
    """Decoded text, or HTML."""

    text: str
    is_html: bool


def html_octets(root: Part) -> int:
    """How much of a message is HTML, which takes longer to be read than anything else."""
    html = [part for part in parts_of(b"", root) if part.content_type.media_type == HTML]
    return sum(part.body_end - part.body_start for part in html)


def sources_of(octets: bytes, parts: Sequence[Part]) -> list[Source]:
    """The beginning of all text parts together and their end, in the order of the parts."""
    sources = []
    for part, start, end in _stretches(parts):
        is_cut = start > part.body_start
        if is_cut:  # from a line's beginning on, where transfer encodings can be read from
            start = octets.find(b"\n", start, min(end, start + LINE_OCTETS)) + 1 or start
        charset = parameter(part.content_type.parameters, b"charset")
        text = decode_charset(decode_transfer(octets[start:end], part.transfer_encoding), charset)
        is_html = part.content_type.media_type == HTML
        sources.append(Source(_behind_a_tag(text) if is_cut and is_html else text, is_html))
    return sources


def _stretches(parts: Sequence[Part]) -> Iterator[tuple[Part, int, int]]:
    texts = list(islice(filter(is_text, parts), MAX_PARTS))
    left = FIRST_OCTETS
    at = 0
    while at < len(texts) and left > 0:
        part = texts[at]
        end = min(part.body_end, part.body_start + left)
        left -= end - part.body_start
        yield part, part.body_start, end
        at += 1
    if left > 0 or not texts:
        return
    rest = [(texts[at - 1], end, texts[at - 1].body_end)]
    rest += [(part, part.body_start, part.body_end) for part in texts[at:]]
    left = LAST_OCTETS
    ends = []
    while rest and left > 0:
        part, start, end = rest.pop()
        start = max(start, end - left)
        left -= end - start
        if start < end:
            ends.append((part, start, end))
    yield from reversed(ends)


def words_in(sources: Sequence[Source]) -> list[list[str]]:
    """The first words and the last ones; a list for each stretch whose words stand beside each other."""
    found = []
    left = FIRST_WORDS
    at = 0
    while at < len(sources) and left > 0:
        text, is_html = sources[at]
        if is_html:
            text = text_of_html(text, enough=left * ENOUGH_CHARACTERS)
        found.append(first_words(text, left))
        left -= len(found[-1])
        at += 1
    return found if left > 0 else [*found, *reversed(_last_words(sources[at - 1 :]))]


def in_pairs(texts: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Of words_in's those that are taken by pairs too, likewise the first and the last."""
    if sum(map(len, texts)) <= MAX_PAIRS:
        return [*texts]
    found = []
    left = FIRST_IN_PAIRS
    for words in texts:
        found.append(words[:left])
        left -= len(found[-1])
        if left <= 0:
            break
    left = LAST_IN_PAIRS
    for words in reversed(texts):
        found.append(words[-left:])
        left -= len(found[-1])
        if left <= 0:
            break
    return found


def _last_words(sources: Sequence[Source]) -> list[list[str]]:
    """From the last source on."""
    found = []
    left = LAST_WORDS
    for text, is_html in reversed(sources):
        if is_html:
            text = text_of_html(text if len(text) <= LAST_OCTETS else _behind_a_tag(text[-LAST_OCTETS:]))
        found.append(last_words(text, left))
        left -= len(found[-1])
        if left <= 0:
            break
    return found


def _behind_a_tag(source: str) -> str:
    """HTML that may begin inside of a tag, without what is left of that."""
    begins, ends = source.find("<"), source.find(">")
    return source if 0 <= begins < ends else source[ends + 1 :]
