"""Text without regard to case: i;unicode-casemap (RFC 5051), as I18NLEVEL=1 asks for (RFC 5255 section 4).

Sorting and threading compare by casemap(). Searching compares by fold(), which finds all that is equal by casemap()
and a little more.
"""

import unicodedata


def casemap(text: str) -> str:
    """RFC 5051 section 2: simple titlecase mapping, then full decomposition. Compared by code points.

    That is the order of the octets in UTF-8.
    """
    if text.isascii():
        return text.upper()
    # Where Python's mapping is longer than a character it is the full one, and there is no simple one.
    titled = (title if len(title := character.title()) == 1 else character for character in text)
    return unicodedata.normalize("NFKD", "".join(titled))


def fold(text: str) -> str:
    """Two texts are equal, or one holds the other, where that is so of their folded forms.

    It goes further than casemap() in one thing: full case folding, not titlecase, so that ß equals ss. What RFC 5051
    takes as equal stays equal: compatibility forms are taken apart (NFKD), and the dotless i, whose titlecase is I,
    is an i.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold().replace("\u0131", "i")
    return unicodedata.normalize("NFKD", folded)
