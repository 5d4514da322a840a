"""i;unicode-casemap: caseless comparison of any script, the same everywhere (RFC 5051; RFC 5255 asks IMAP for it).

What it yields is compared octet by octet as UTF-8, that is in the order of code points.
"""

import unicodedata


def casemap(text: str) -> str:
    """RFC 5051 section 2: simple titlecase mapping, then full decomposition."""
    if text.isascii():
        return text.upper()
    # Where Python's mapping is longer than a character it is the full one, and there is no simple one.
    titled = (title if len(title := character.title()) == 1 else character for character in text)
    return unicodedata.normalize("NFKD", "".join(titled))
