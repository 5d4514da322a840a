"""A message as the tokens that the classifier counts: a bounded set, whatever the octets.

Text as its reader sees it, Subject and other header fields, links, the MIME structure (RFC 2045), names of attachments.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from mailboxes.junk.header_tokens import fields_of, header_tokens, subject_words
from mailboxes.junk.urls import url_tokens
from mailboxes.junk.words import MIN_CHARACTERS, words_of
from mailboxes.store.search_text import is_text, parts_of
from mailhost.protocols.message.html_text import text_of_html
from mailhost.protocols.message.leaves import disposition_of, filename_of
from mailhost.protocols.message.parameters import parameter
from mailhost.protocols.message.scanner import Kind, Part
from mailhost.protocols.message.text import decode_charset, decode_transfer

MAX_TEXT_OCTETS = 1 << 17  # of all text parts together, before they are decoded: people read the beginning
MAX_PARTS = 50
MAX_TOKEN_CHARACTERS = 80
MAX_READ_CHARACTERS = 12  # for each word that is wanted: twice what words of prose take
# Each kind of token has room of its own, so that one cannot be crowded out by others that a sender adds.
MAX_HEADER_TOKENS = 400
MAX_STRUCTURE_TOKENS = 150
MAX_URL_TOKENS = 250
MAX_SUBJECT_TOKENS = 150  # twice: words and pairs
MAX_WORDS = 1_000
MAX_PAIRS = 1_500
MAX_TOKENS = (
    MAX_HEADER_TOKENS + MAX_STRUCTURE_TOKENS + MAX_URL_TOKENS + 2 * MAX_SUBJECT_TOKENS + MAX_WORDS + MAX_PAIRS
)


def tokens_of(octets: bytes, root: Part | None = None) -> list[str]:
    """The message's tokens, each once, in an order that is always the same. Never raises.

    root: its structure, where somebody has read it before.
    """
    parts = parts_of(octets, root)
    fields = fields_of(octets[: parts[0].body_start])
    subject = subject_words(fields)
    texts, sources = _texts(octets, parts)
    words = _words(texts)
    found: dict[str, None] = {}
    for tokens, limit in (
        (_cut(header_tokens(fields)), MAX_HEADER_TOKENS),
        (_cut(_structure(parts)), MAX_STRUCTURE_TOKENS),
        (_cut(token for source in sources for token in url_tokens(source)), MAX_URL_TOKENS),
        ([f"subject:{word}" for word in subject], MAX_SUBJECT_TOKENS),
        ([f"subject:{one} {two}" for one, two in pairwise(subject)], MAX_SUBJECT_TOKENS),
        (
            [word for text in words for word in text if len(word) >= MIN_CHARACTERS or not word.isascii()],
            MAX_WORDS,
        ),
        ([pair for text in words for pair in map(" ".join, pairwise(text))], MAX_PAIRS),
    ):
        found.update(_bounded(tokens, limit))
    return list(found)


def hashes_of(tokens: Sequence[str]) -> NDArray[np.int64]:
    """The hash of each."""
    octets = _octets("\n".join(tokens)).split(b"\n")  # a third of what it takes to encode them one by one
    if len(octets) != len(tokens):
        octets = [_octets(token) for token in tokens]
    return np.fromiter(map(xxh3_64_intdigest, octets), np.uint64, len(octets)).view(np.int64)


def hash_of(token: str) -> int:
    """64 bits, as Postgres has them: with a sign.

    Not a cryptographic hash: whoever makes up a word that meets another one's gains no more than by using that one.
    """
    number = xxh3_64_intdigest(_octets(token))
    return number - (number >> 63 << 64)


def _octets(token: str) -> bytes:
    return token.encode("utf-8", "replace")


def _words(texts: Sequence[str]) -> list[list[str]]:
    """Those of each text, so many in all that every kind of token is full with them, were they all different."""
    left = MAX_WORDS + MAX_PAIRS
    words = []
    for text in texts:
        words.append(words_of(text[: left * MAX_READ_CHARACTERS])[:left])
        left -= len(words[-1])
        if left <= 0:
            break
    return words


def _cut(tokens: Iterable[str]) -> Iterator[str]:
    """Those that can be long. Words and their pairs are short as they are."""
    return (token[:MAX_TOKEN_CHARACTERS] for token in tokens)


def _bounded(tokens: Iterable[str], limit: int) -> dict[str, None]:
    """The first so many that differ."""
    if isinstance(tokens, list) and len(tokens) <= limit:
        return dict.fromkeys(tokens)
    seen: dict[str, None] = {}
    for token in tokens:
        seen[token] = None
        if len(seen) == limit:
            break
    return seen


def _texts(octets: bytes, parts: list[Part]) -> tuple[list[str], list[str]]:
    """What its reader sees, and the sources of it, where links stand."""
    texts, sources = [], []
    left = MAX_TEXT_OCTETS
    for part in islice(filter(is_text, parts), MAX_PARTS):
        body = octets[part.body_start : min(part.body_end, part.body_start + left)]
        left -= len(body)
        charset = parameter(part.content_type.parameters, b"charset")
        source = decode_charset(decode_transfer(body, part.transfer_encoding), charset)
        sources.append(source)
        texts.append(text_of_html(source) if part.content_type.media_type == b"text/html" else source)
    return texts, sources


def _structure(parts: list[Part]) -> Iterator[str]:
    for part in parts[:MAX_PARTS]:
        yield f"type:{_word(part.content_type.media_type)}"
        yield f"encoding:{_word(part.transfer_encoding)}"
        if charset := parameter(part.content_type.parameters, b"charset"):
            yield f"charset:{_word(charset)}"
        if part.kind is Kind.MULTIPART:
            continue
        disposition = disposition_of(part)
        if disposition is not None:
            yield f"disposition:{_word(disposition.type)}"
        if name := filename_of(part, disposition)[:200].lower():
            yield f"file:{name}"
            yield f"file:.{name.rpartition('.')[2]}"


def _word(octets: bytes) -> str:
    return octets[:60].decode("ascii", "replace").lower()
