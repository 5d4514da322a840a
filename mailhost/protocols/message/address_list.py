"""Address lists of header fields for ENVELOPE (RFC 5322 sections 3.4 and 4.4), read leniently.

These are what a header says, as octets; `protocols.addresses` is for addresses that mail is sent to.
"""

import re
from typing import NamedTuple


class ListedAddress(NamedTuple):
    """The four fields of ENVELOPE's address (RFC 9051 section 7.5.2); a group begins with (None, None, name, None)
    and ends with four None."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END = ListedAddress(None, None, None, None)

_ATOM = rb'[^\s<>()\[\]\\,;:@"]++'
# What nearly all addresses look like; the others go through the tokens below.
_SIMPLE = re.compile(
    rb'[ \t]*+(?:(?:"([^"\\]*+)"|([^"<>()\[\]\\,;:@]*+))[ \t]*+<(' + _ATOM + rb")@(" + _ATOM + rb")>"
    rb"|(" + _ATOM + rb")@(" + _ATOM + rb"))[ \t]*+(?:(,)|\Z)"
).match
_TOKEN = re.compile(
    rb'(?P<blank>[ \t\r\n]++)|"(?P<quoted>(?:[^"\\]++|\\.)*+)["\\]?|(?P<literal>\[[^\[\]]*+\]?)'
    rb'|(?P<special>[<>@,:;(])|(?P<atom>[^ \t\r\n"\[<>@,:;(]++)',
    re.DOTALL,
)
_COMMENT_PIECE = re.compile(rb"\\.|[()]", re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)


def parse_address_list(value: bytes) -> list[ListedAddress]:
    """Every address of an unfolded value. Octets that make no sense end up in some address; nothing raises."""
    found = []
    at = 0
    while (simple := _SIMPLE(value, at)) is not None:
        quoted, phrase, mailbox, host, bare_mailbox, bare_host, comma = simple.groups()
        if bare_mailbox is not None:
            found.append(ListedAddress(None, None, bare_mailbox, bare_host))
        else:
            name = quoted if quoted is not None else b" ".join(phrase.split())
            found.append(ListedAddress(name or None, None, mailbox, host))
        at = simple.end()
        if comma is None:
            return found
    if value[at:].strip():
        found += _Tokens(value, at).read()
    return found


class _Tokens:
    """Reads an address list token by token: comments, routes, groups, quoted local parts, and what is broken."""

    def __init__(self, value: bytes, at: int) -> None:
        self.value = value
        self.at = at
        self.found: list[ListedAddress] = []
        self.in_group = False
        self._start_address()

    def _start_address(self) -> None:
        self.words: list[bytes] = []  # of the phrase, or of an address without <>
        self.is_spaced = False  # a blank came before the next word
        self.at_sign: int | None = None  # place in `words` of the last "@"
        self.phrase: list[bytes] | None = None  # set once "<" was read
        self.is_closed = False
        self.comment: bytes | None = None

    def read(self) -> list[ListedAddress]:
        while (token := _TOKEN.match(self.value, self.at)) is not None:
            self.at = token.end()
            kind = token.lastgroup
            if kind == "blank":
                self.is_spaced = True
            elif kind == "special":
                self._special(token[0])
            elif kind == "quoted":
                text = token["quoted"]
                self._word(_QUOTED_PAIR.sub(rb"\1", text) if b"\\" in text else text)
            else:
                self._word(token[0])
        self._end_address()
        if self.in_group:
            self.found.append(GROUP_END)
        return self.found

    def _word(self, text: bytes) -> None:
        if self.is_closed:
            return  # text behind ">" belongs to nothing
        if self.phrase is None and self.is_spaced and self.words and self.at_sign is None:
            self.words.append(b" ")
        self.is_spaced = False
        self.words.append(text)

    def _special(self, special: bytes) -> None:
        is_in_angle = self.phrase is not None and not self.is_closed
        if special == b"(":
            self.comment = self._skip_comment()
        elif special == b"@":
            if not self.is_closed:
                self.at_sign = len(self.words)
                self.words.append(b"@")
        elif special == b"<":
            if self.phrase is None:
                self.phrase, self.words, self.at_sign = self.words, [], None
        elif special == b">":
            self.is_closed = self.phrase is not None
        elif is_in_angle and special in b",:" and self.words[:1] == [b"@"]:
            self.words.append(special)  # <@one.example,@two.example:mailbox@host>: an obsolete route
            self.at_sign = None
        elif special == b",":
            self._end_address()
        elif special == b":":
            self._colon()
        else:
            self._end_address()
            if self.in_group:
                self.in_group = False
                self.found.append(GROUP_END)

    def _colon(self) -> None:
        if self.in_group or self.phrase is not None or not self.words:
            return
        self.found.append(ListedAddress(None, None, b"".join(self.words).strip(), None))
        self.in_group = True
        self._start_address()

    def _skip_comment(self) -> bytes:
        start = self.at
        depth = 1
        for piece in _COMMENT_PIECE.finditer(self.value, start):
            if piece[0] == b"(":
                depth += 1
            elif piece[0] == b")":
                depth -= 1
                if not depth:
                    self.at = piece.end()
                    return self.value[start : piece.start()]
        self.at = len(self.value)
        return self.value[start:]

    def _end_address(self) -> None:
        words, at_sign = self.words, self.at_sign
        if words or self.phrase is not None:
            name = b"".join(self.phrase).strip() if self.phrase else self.comment
            route = None
            if b":" in words and words[0] == b"@":
                colon = len(words) - 1 - words[::-1].index(b":")
                route = b"".join(words[:colon])
                at_sign = None if at_sign is None else at_sign - colon - 1
                words = words[colon + 1 :]
            if at_sign is None:
                # No host: an empty one, because NIL would make a group of it.
                mailbox, host = b"".join(words).strip(), b""
            else:
                mailbox, host = b"".join(words[:at_sign]).strip(), b"".join(words[at_sign + 1 :]).strip()
            self.found.append(ListedAddress(name or None, route, mailbox, host))
        self._start_address()
