"""Words of text as people read it.

Scripts that put no blanks between words are taken by two characters at a time.
"""

import re
from collections.abc import Iterable, Iterator

MIN_CHARACTERS = (
    3  # of a token by itself: shorter words stand in all mail alike, but for those of other scripts
)
MAX_CHARACTERS = 24  # longer ones are made up, or encoded: what is told is that there was one

# An amount keeps its sign, an exclamation its marks (two at most): "free" and "free!!" are two words.
_WORD = re.compile(r"[$€£¥]?[^\W_][\w'’-]*+(?:(?:\.(?=\w)|,(?=\d))[\w'’-]*+)*+[%!]?!?")
# Where ASCII text can be cut without a look at what stands there: characters that no word has.
_BETWEEN = str.maketrans(
    {chr(number): " " for number in range(128) if not (chr(number).isalnum() or chr(number) in "$%!'-_.,")}
)
_TRAILING = "'’-_"
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # Thai, kana, ideographs, Hangul
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """In their order, in lower case; what is too long only as its first letter and about its length."""
    text = text.lower()
    if not text.isascii():
        return [piece for word in _WORD.findall(text) for piece in _pieces(word.rstrip(_TRAILING))]
    words = []
    for piece in text.translate(_BETWEEN).split():
        if piece.isalnum() and len(piece) <= MAX_CHARACTERS:  # most are, and the rest takes as long as they
            words.append(piece)
        else:
            for word in _WORD.findall(piece):
                words += _pieces(word.rstrip(_TRAILING))
    return words


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
