"""LIST and LSUB patterns (RFC 3501 section 6.3.8): `*` matches anything, `%` anything within one level."""

import re

_WILDCARDS = re.compile(r"[*%]+")
INBOX = "INBOX"


class Pattern:
    """One pattern, made ready to be held against many names.

    All places in the pattern are followed at once, as bits of one number: `*a%*b%…` costs no more than a few steps for
    each character of the name, where backtracking would never end.
    """

    __slots__ = ("_ends", "_letters", "_prefix", "_separator", "_stars", "_text", "_wild")

    def __init__(self, text: str, *, separator: str = "/") -> None:
        text = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", text)  # "%%" means no more than "%"
        self._text = text
        self._separator = separator
        wildcard = _WILDCARDS.search(text)
        self._prefix = text[: wildcard.start()] if wildcard else text
        self._ends = 1 << len(text)
        self._stars = self._wild = 0
        self._letters: dict[str, int] = {}
        for place, character in enumerate(text):
            if character in "*%":
                self._wild |= 1 << place
                self._stars |= (1 << place) if character == "*" else 0
            else:
                self._letters[character] = self._letters.get(character, 0) | 1 << place

    def matches(self, name: str) -> bool:
        """Whether the pattern asks for this name. INBOX compares in any case, also as the first level."""
        if self._text == "*":
            return True
        if name == INBOX or name.startswith(INBOX + self._separator):
            return self._follow(name, caseless=len(INBOX))
        if not name.startswith(self._prefix):
            return False
        rest = self._text[len(self._prefix) :]
        if not rest:
            return name == self._prefix
        if rest == "*":
            return True
        if rest == "%":
            return self._separator not in name[len(self._prefix) :]
        return self._follow(name, caseless=0)

    def _follow(self, name: str, *, caseless: int) -> bool:
        letters, wild, stars, separator = self._letters, self._wild, self._stars, self._separator
        places = 1
        for number, character in enumerate(name):
            places |= (places & wild) << 1  # wildcards match nothing as well; no two stand side by side
            stay = places & (stars if character == separator else wild)
            here = letters.get(character, 0)
            if number < caseless:
                here |= letters.get(character.lower(), 0)
            places = stay | (places & here) << 1
            if not places:
                return False
        places |= (places & wild) << 1
        return bool(places & self._ends)


def matches(pattern: str, name: str, *, separator: str = "/") -> bool:
    """Whether `name` is one that `pattern` asks for."""
    return Pattern(pattern, separator=separator).matches(name)
