"""Keywords: the flags that people and their programs make up (RFC 9051 section 2.3.2)."""

import unicodedata
from collections.abc import Iterable

from django.conf import settings

from mailboxes.exceptions import KeywordInvalid, TooManyKeywords

MAX_KEYWORD_CHARACTERS = 100


def checked_keywords(keywords: Iterable[str]) -> tuple[str, ...]:
    """Each keyword once, caselessly, in the spelling in which it came first.

    Raises TooManyKeywords, KeywordInvalid (an empty one; controls and lone surrogates: Postgres stores no NUL).
    """
    first: dict[str, str] = {}
    for word in keywords:
        first.setdefault(word.lower(), word)
    if len(first) > settings.MAX_KEYWORDS:
        raise TooManyKeywords(f"A message has at most {settings.MAX_KEYWORDS} keywords.")
    for word in first.values():
        if not word or any(unicodedata.category(character) in {"Cc", "Cs"} for character in word):
            raise KeywordInvalid("A keyword is not empty and has no control characters.")
        if len(word) > MAX_KEYWORD_CHARACTERS:
            raise TooManyKeywords(f"A keyword has at most {MAX_KEYWORD_CHARACTERS} characters.")
    return tuple(first.values())
