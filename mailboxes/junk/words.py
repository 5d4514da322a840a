"""Words of text as people read it.

Scripts that put no blanks between words are taken by two characters at a time.
"""

import re
from collections.abc import Iterator

MIN_CHARACTERS = 3  # shorter words stand in all mail alike; in pairs they tell something
MAX_CHARACTERS = 24  # longer ones are made up, or encoded: what is told is that there was one

# An amount keeps its sign, an exclamation its marks (two at most): "free" and "free!!" are two words.
_WORD = re.compile(r"[$€£¥]?[^\W_](?:[\w'’-]|\.(?=\w)|,(?=\d))*+[%!]?!?")
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # Thai, kana, ideographs, Hangul
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")


def words_of(text: str) -> Iterator[str]:
    """In their order, in lower case; what is too long only as its first letter and about its length."""
    for found in _WORD.finditer(text):
        word = found[0].rstrip("'’-_").lower()
        if not word.isascii() and _HAS_UNSPACED.search(word):
            yield from _unspaced(word)
        elif len(word) <= MAX_CHARACTERS:
            yield word
        else:
            yield f"long:{word[0]}{min(len(word) // 10 * 10, 100)}"


def _unspaced(word: str) -> Iterator[str]:
    for run in _RUN.findall(word):
        if _HAS_UNSPACED.match(run):
            yield from (run[at : at + 2] for at in range(max(len(run) - 1, 1)))
        elif len(run) <= MAX_CHARACTERS:
            yield run


def is_telling(word: str) -> bool:
    """Whether a word is a token by itself."""
    return len(word) >= MIN_CHARACTERS or not word.isascii()
