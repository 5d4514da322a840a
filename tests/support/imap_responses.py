"""A strict little reader of FETCH responses (RFC 9051 section 9), written from the grammar and not from the server.

What the server says is read octet by octet: a response that is not one raises Malformed.
"""

import re
from dataclasses import dataclass
from typing import Any

# msg-att-static and msg-att-dynamic: the item's name, its section, its origin
_ITEM = re.compile(
    rb"(?P<name>[A-Z0-9.]+)(?P<section>\[(?:[0-9.]*(?:HEADER|TEXT|MIME|HEADER\.FIELDS(?:\.NOT)? \([^()\r\n]+\))?)\])?"
    rb"(?P<origin><(?:0|[1-9][0-9]*)>)?"
)
_NUMBER = re.compile(rb"(?:0|[1-9][0-9]*)(?=[ )\]])")
_QUOTED = re.compile(rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"')
_LITERAL = re.compile(rb"(~?)\{(0|[1-9][0-9]*)\}\r\n")
_FLAG = re.compile(rb'\\?[^\x00-\x20(){%*"\\\x7f-\xff]+')
_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')


class Malformed(AssertionError):
    """This is no FETCH response; the text shows where."""


@dataclass(frozen=True)
class Fetched:
    """One response: the message's number and its items by name with section and origin."""

    number: int
    items: dict[bytes, Any]


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def fail(self, expected: str) -> Malformed:
        return Malformed(f"expected {expected} at {self.octets[max(self.at - 40, 0) : self.at + 40]!r}")

    def take(self, octets: bytes) -> None:
        if not self.octets.startswith(octets, self.at):
            raise self.fail(repr(octets))
        self.at += len(octets)

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self.octets, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def response(self) -> Fetched:
        self.take(b"* ")
        number = self.match(re.compile(rb"[1-9][0-9]*"))
        if number is None:
            raise self.fail("a message number")
        self.take(b" FETCH (")
        items: dict[bytes, Any] = {}
        while True:
            name = self.match(_ITEM)
            if name is None or name[0] in items:
                raise self.fail("an item")
            self.take(b" ")
            items[name[0]] = self.flags() if name[0] == b"FLAGS" else self.value()
            if self.octets.startswith(b")\r\n", self.at):
                self.at += 3
                return Fetched(int(number[0]), items)
            self.take(b" ")

    def flags(self) -> list[bytes]:
        self.take(b"(")
        found: list[bytes] = []
        while not self.octets.startswith(b")", self.at):
            if found:
                self.take(b" ")
            flag = self.match(_FLAG)
            if flag is None:
                raise self.fail("a flag")
            found.append(flag[0])
        self.take(b")")
        return found

    def value(self) -> Any:
        """number / nil / string / literal8 / a list of values / an atom."""
        if (number := self.match(_NUMBER)) is not None:
            return int(number[0])
        if (quoted := self.match(_QUOTED)) is not None:
            return re.sub(rb"\\(.)", rb"\1", quoted[1])
        if (literal := self.match(_LITERAL)) is not None:
            end = self.at + int(literal[2])
            octets = self.octets[self.at : end]
            if len(octets) != int(literal[2]):
                raise self.fail("the octets of a literal")
            self.at = end
            return octets
        if self.octets.startswith(b"(", self.at):
            return self.list()
        atom = self.match(_ATOM)
        if atom is None:
            raise self.fail("a value")
        return None if atom[0] == b"NIL" else atom[0]

    def list(self) -> list[Any]:
        self.take(b"(")
        values: list[Any] = []
        while not self.octets.startswith(b")", self.at):
            # Neighbours that are lists touch: bodies of a multipart, addresses of an envelope.
            if values and not (isinstance(values[-1], list) and self.octets.startswith(b"(", self.at)):
                self.take(b" ")
            values.append(self.value())
        self.take(b")")
        return values


def read_fetched(octets: bytes) -> list[Fetched]:
    """All responses that these octets are made of. Raises Malformed."""
    reader = _Reader(octets)
    found = []
    while reader.at < len(octets):
        found.append(reader.response())
    return found
