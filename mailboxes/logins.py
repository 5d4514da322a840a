"""What people sign in as, in the form in which it is stored and compared."""

import unicodedata


def canonical_login(text: str) -> str:
    """NFC, without case, without blanks around it."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def can_be_stored(text: str) -> bool:
    """Whether it holds neither NUL nor what came of octets that were no UTF-8."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
