"""LIST and LSUB patterns (RFC 3501 section 6.3.8): `*` matches anything, `%` anything within one level."""

import re
from collections.abc import Iterable

_WILDCARDS = re.compile(r"[*%]+")
INBOX = "INBOX"


class Patterns:
    """The patterns of one command, made ready to be held against many names.

    All places in all patterns are followed at once, as bits of one number: `*a%*b%…`, twenty times, costs no more than
    a few steps for each character of the name, where backtracking would never end.
    """

    __slots__ = ("_ends", "_letters", "_patterns", "_separator", "_stars", "_wild")

    def __init__(self, texts: Iterable[str], *, separator: str = "/") -> None:
        self._separator = separator
        self._patterns: list[
            tuple[int, str, str]
        ] = []  # the place of its beginning; up to the first wildcard, the rest
        self._ends = self._stars = self._wild = 0
        self._letters: dict[str, int] = {}
        place = 0
        for text in dict.fromkeys(texts):
            # "%%" means no more than "%", "*%" no more than "*"
            text = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", text)
            wildcard = _WILDCARDS.search(text)
            prefix = text[: wildcard.start()] if wildcard else text
            self._patterns.append((1 << place, prefix, text[len(prefix) :]))
            for character in text:
                self._add(character, 1 << place)
                place += 1
            self._ends |= 1 << place
            place += 1

    def _add(self, character: str, bit: int) -> None:
        if character not in "*%":
            self._letters[character] = self._letters.get(character, 0) | bit
            return
        self._wild |= bit
        if character == "*":
            self._stars |= bit

    def match(self, name: str) -> bool:
        """Whether one of them asks for this name. INBOX compares in any case, also as the first level."""
        is_inbox = name == INBOX or name.startswith(INBOX + self._separator)
        beginnings = 0
        for beginning, prefix, rest in self._patterns:
            if is_inbox:
                beginnings |= beginning
            elif name.startswith(prefix):
                if rest == "*" or (not rest and name == prefix):
                    return True
                if rest == "%" and self._separator not in name[len(prefix) :]:
                    return True
                if rest not in {"", "%"}:
                    beginnings |= beginning
        return bool(beginnings) and self._follow(name, beginnings, caseless=len(INBOX) if is_inbox else 0)

    def _follow(self, name: str, places: int, *, caseless: int) -> bool:
        letters, wild, stars, separator = self._letters, self._wild, self._stars, self._separator
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
    return Patterns([pattern], separator=separator).match(name)
