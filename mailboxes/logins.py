"""What people sign in as, in the form in which it is stored and compared."""

import unicodedata


def canonical_login(text: str) -> str:
    """NFC, without case, without blanks around it."""
    return unicodedata.normalize("NFC", text.strip()).casefold()
