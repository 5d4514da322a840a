"""Words of text as people read it.

Scripts that put no blanks between words are taken by two characters at a time.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from string import ascii_lowercase, digits

MIN_CHARACTERS = (
    3  # of a token by itself: shorter words stand in all mail alike, but for those of other scripts
)
MAX_CHARACTERS = 24  # longer ones are made up, or encoded: what is told is that there was one
ENOUGH_CHARACTERS = 8  # for each word that is wanted: English prose has six, with the blank, and German seven

# An amount keeps its sign, an exclamation its marks (two at most): "free" and "free!!" are two words.
_WORD = re.compile(r"[$€£¥]?[^\W_][\w'’-]*+(?:(?:\.(?=\w)|,(?=\d))[\w'’-]*+)*[%!]?!?")
_SIGNS = "$%!'-_.,"  # of ASCII, that words may have
_LETTERS = ascii_lowercase + digits
# Of ASCII letters the small ones, and a blank for what no word has.
_PLAIN = bytes.maketrans(
    bytes(range(128)),
    "".join(
        sign if sign in _LETTERS + _SIGNS else " " for sign in map(str.lower, map(chr, range(128)))
    ).encode(),
)
_TRAILING = "'’-_"
_AROUND = "'-_.,"  # signs of ASCII with which no word begins, and none ends
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # Thai, kana, ideographs, Hangul
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# Words of ASCII with fewer than MIN_CHARACTERS: it is quicker to take them from a set than to look at each.
SHORT = frozenset(map("".join, product(_LETTERS + _SIGNS, ["", *_LETTERS, *_SIGNS])))
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """In their order, in lower case; what is too long only as its first letter and about its length."""
    return _words(_without_signs(text).split()) if text.isascii() else _words_beyond_ascii(text)


def first_words(text: str, limit: int) -> list[str]:
    """The first so many; fewer where they are long, or much between blanks is no word."""
    text = text[: limit * ENOUGH_CHARACTERS]
    if text.isascii():
        return _words(_without_signs(text).split(None, limit)[:limit])[:limit]
    return _words_beyond_ascii(text)[:limit]


def last_words(text: str, limit: int) -> list[str]:
    """The last so many, likewise. limit is above 0."""
    text = text[-limit * ENOUGH_CHARACTERS :]
    if text.isascii():
        return _words(_without_signs(text).rsplit(None, limit)[-limit:])[-limit:]
    return _words_beyond_ascii(text)[-limit:]


def _without_signs(text: str) -> str:
    """ASCII text in lower case, nearly all of it words and blanks."""
    # No word ends in a full stop or a comma. Taken off here, they need no look at each piece.
    return text.encode().translate(_PLAIN).replace(b". ", b" ").replace(b", ", b" ").decode()


def _words(pieces: list[str]) -> list[str]:
    """Of pieces of ASCII text, each of which is one word, none or several.

    Most are one, and that is found out without a step of Python's for each.
    """
    words: list[str] = []
    are_plain = list(map(str.isalnum, pieces))
    at = 0
    for _ in range(are_plain.count(False)):
        other = are_plain.index(False, at)
        words += pieces[at:other]
        at = other + 1
        piece = pieces[other].strip(_AROUND)
        if piece.isalnum():
            words.append(piece)
        elif piece:
            words += [word.rstrip(_TRAILING) for word in _WORD.findall(piece)]
    words += pieces[at:]
    if max(map(len, words), default=0) > MAX_CHARACTERS:
        return [piece for word in words for piece in _pieces(word)]
    return words


def _words_beyond_ascii(text: str) -> list[str]:
    return [piece for word in _WORD.findall(text.lower()) for piece in _pieces(word.rstrip(_TRAILING))]


def _pieces(word: str) -> Iterable[str]:
    if not word.isascii() and _HAS_UNSPACED.search(word):
        return _unspaced(word)
    if len(word) <= MAX_CHARACTERS:
        return (word,)
    return (f"long:{word[0]}{min(len(word) // 10 * 10, 100)}",)


def _unspaced(word: str) -> Iterator[str]:
    for run in _RUN.findall(word):
        if _HAS_UNSPACED.match(run):
            yield from (run[at : at + 2] for at in range(max(len(run) - 1, 1)))
        elif len(run) <= MAX_CHARACTERS:
            yield run
