"""Comparing text without regard to case: i;unicode-casemap (RFC 5051), as I18NLEVEL=1 asks for (RFC 5255 section 4)."""

import unicodedata


def fold(text: str) -> str:
    """Two texts are equal, or one holds the other, where that is so of their folded forms.

    It goes further than RFC 5051 in one thing: full case folding, not titlecase, so that ß equals ss. What RFC 5051
    takes as equal stays equal: compatibility forms are taken apart (NFKD), and the dotless i, whose titlecase is I,
    is an i.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold().replace("\u0131", "i")
    return unicodedata.normalize("NFKD", folded)
