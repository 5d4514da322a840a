"""A message as the tokens that the classifier counts: a bounded set, whatever the octets.

Text as its reader sees it, Subject and other header fields, links, the MIME structure (RFC 2045), names of attachments.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_digest, xxh3_64_intdigest

from mailboxes.junk.header_tokens import fields_of, header_tokens, subject_words
from mailboxes.junk.texts import MAX_PAIRS, MAX_PARTS, MAX_WORDS, in_pairs, sources_of, words_in
from mailboxes.junk.urls import url_tokens
from mailboxes.junk.words import SHORT
from mailboxes.store.search_text import parts_of
from mailhost.protocols.message.leaves import disposition_of, filename_of
from mailhost.protocols.message.parameters import parameter
from mailhost.protocols.message.scanner import Kind, Part

MAX_TOKEN_CHARACTERS = 80
# Each kind of token has room of its own, so that one cannot be crowded out by others that a sender adds.
MAX_HEADER_TOKENS = 400
MAX_STRUCTURE_TOKENS = 150
MAX_URL_TOKENS = 250
MAX_SUBJECT_TOKENS = 150  # twice: words and pairs
MAX_TOKENS = (
    MAX_HEADER_TOKENS + MAX_STRUCTURE_TOKENS + MAX_URL_TOKENS + 2 * MAX_SUBJECT_TOKENS + MAX_WORDS + MAX_PAIRS
)


def tokens_of(octets: bytes, root: Part | None = None) -> list[str]:
    """The message's tokens, each once, in any order. Never raises.

    root: its structure, where somebody has read it before.
    """
    parts = parts_of(octets, root)
    fields = fields_of(octets[: parts[0].body_start])
    sources = sources_of(octets, parts)
    subject = subject_words(fields)[:MAX_SUBJECT_TOKENS]
    found = {
        *_bounded(header_tokens(fields), MAX_HEADER_TOKENS),
        *_bounded(_structure(parts), MAX_STRUCTURE_TOKENS),
        *_bounded(chain.from_iterable(url_tokens(source.text) for source in sources), MAX_URL_TOKENS),
        *map("subject:".__add__, subject),
        *map("subject:{} {}".format, subject, subject[1:]),
    }
    texts = words_in(sources)
    found |= set(chain.from_iterable(texts)) - SHORT
    for words in in_pairs(texts):
        found.update(map(" ".join, pairwise(words)))
    return list(found)


def hashes_of(tokens: Sequence[str]) -> NDArray[np.int64]:
    """The hash of each."""
    octets = _octets("\n".join(tokens)).split(b"\n")  # a third of what it takes to encode them one by one
    if len(octets) != len(tokens):
        octets = [_octets(token) for token in tokens]
    return np.frombuffer(b"".join(map(xxh3_64_digest, octets)), ">i8").astype(np.int64)


def hash_of(token: str) -> int:
    """64 bits, as Postgres has them: with a sign.

    Not a cryptographic hash: whoever makes up a word that meets another one's gains no more than by using that one.
    """
    number = xxh3_64_intdigest(_octets(token))
    return number - (number >> 63 << 64)


def _octets(token: str) -> bytes:
    return token.encode("utf-8", "replace")


def _bounded(tokens: Iterable[str], limit: int) -> set[str]:
    """The first so many that differ, none of them long. Words and their pairs are short as they are."""
    found: set[str] = set()
    for token in tokens:
        found.add(token if len(token) <= MAX_TOKEN_CHARACTERS else token[:MAX_TOKEN_CHARACTERS])
        if len(found) == limit:
            break
    return found


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
