"""A strict reader of ENVELOPE and BODYSTRUCTURE (RFC 9051 section 9), so that tests check the grammar, not strings."""

import re
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(rb"0|[1-9][0-9]*")
_QUOTED = re.compile(rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(0|[1-9][0-9]*)\}\r\n")

Address = tuple[bytes | None, bytes | None, bytes | None, bytes | None]


@dataclass(frozen=True)
class Envelope:
    date: bytes | None
    subject: bytes | None
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    in_reply_to: bytes | None
    message_id: bytes | None


@dataclass(frozen=True)
class Body:
    media_type: str
    parameters: tuple[tuple[bytes, bytes], ...] = ()
    content_id: bytes | None = None
    description: bytes | None = None
    encoding: bytes = b""
    octets: int = 0
    lines: int | None = None
    envelope: Envelope | None = None
    children: tuple["Body", ...] = ()
    extension: tuple[Any, ...] = ()


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def take(self, expected: bytes) -> None:
        assert self.octets.startswith(expected, self.at), (expected, self.octets[self.at : self.at + 60])
        self.at += len(expected)

    def sees(self, expected: bytes) -> bool:
        return self.octets.startswith(expected, self.at)

    def string(self) -> bytes:
        if quoted := _QUOTED.match(self.octets, self.at):
            self.at = quoted.end()
            return re.sub(rb"\\(.)", rb"\1", quoted[1], flags=re.DOTALL)
        literal = _LITERAL.match(self.octets, self.at)
        assert literal, self.octets[self.at : self.at + 60]
        self.at = literal.end() + int(literal[1])
        value = self.octets[literal.end() : self.at]
        assert len(value) == int(literal[1])
        assert b"\0" not in value
        return value

    def nstring(self) -> bytes | None:
        if self.sees(b"NIL"):
            self.take(b"NIL")
            return None
        return self.string()

    def number(self) -> int:
        number = _NUMBER.match(self.octets, self.at)
        assert number, self.octets[self.at : self.at + 60]
        self.at = number.end()
        return int(number[0])

    def parameters(self) -> tuple[tuple[bytes, bytes], ...]:
        if self.sees(b"NIL"):
            self.take(b"NIL")
            return ()
        self.take(b"(")
        found = []
        while True:
            name = self.string()
            self.take(b" ")
            found.append((name, self.string()))
            if self.sees(b")"):
                self.take(b")")
                return tuple(found)
            self.take(b" ")

    def addresses(self) -> tuple[Address, ...]:
        if self.sees(b"NIL"):
            self.take(b"NIL")
            return ()
        self.take(b"(")
        found = []
        while not self.sees(b")"):
            self.take(b"(")
            fields = [self.nstring()]
            for _ in range(3):
                self.take(b" ")
                fields.append(self.nstring())
            self.take(b")")
            found.append((fields[0], fields[1], fields[2], fields[3]))
        self.take(b")")
        assert found
        return tuple(found)

    def envelope(self) -> Envelope:
        self.take(b"(")
        values: list[Any] = []
        for place in range(10):
            if place:
                self.take(b" ")
            values.append(self.addresses() if 2 <= place <= 7 else self.nstring())
        self.take(b")")
        return Envelope(*values)

    def body(self, *, is_extensible: bool) -> Body:
        self.take(b"(")
        body = self._multipart(is_extensible) if self.sees(b"(") else self._single(is_extensible)
        self.take(b")")
        return body

    def _multipart(self, is_extensible: bool) -> Body:
        children = []
        while self.sees(b"("):
            children.append(self.body(is_extensible=is_extensible))
        self.take(b" ")
        subtype = self.string()
        parameters: tuple[tuple[bytes, bytes], ...] = ()
        extension: tuple[Any, ...] = ()
        if is_extensible:
            self.take(b" ")
            parameters = self.parameters()
            extension = self._extension()
        return Body(
            f"multipart/{subtype.lower().decode('latin-1')}",
            parameters,
            children=tuple(children),
            extension=extension,
        )

    def _single(self, is_extensible: bool) -> Body:
        type_ = self.string().lower()
        self.take(b" ")
        subtype = self.string().lower()
        self.take(b" ")
        parameters = self.parameters()
        self.take(b" ")
        content_id = self.nstring()
        self.take(b" ")
        description = self.nstring()
        self.take(b" ")
        encoding = self.string()
        self.take(b" ")
        octets = self.number()
        lines: int | None = None
        envelope: Envelope | None = None
        children: tuple[Body, ...] = ()
        if type_ == b"message" and subtype in (b"rfc822", b"global"):
            self.take(b" ")
            envelope = self.envelope()
            self.take(b" ")
            children = (self.body(is_extensible=is_extensible),)
        if type_ == b"text" or envelope is not None:
            self.take(b" ")
            lines = self.number()
        extension: tuple[Any, ...] = ()
        if is_extensible:
            self.take(b" ")
            extension = (self.nstring(), *self._extension())
        return Body(
            f"{type_.decode('latin-1')}/{subtype.decode('latin-1')}",
            parameters,
            content_id,
            description,
            encoding,
            octets,
            lines,
            envelope,
            children,
            extension,
        )

    def _extension(self) -> tuple[Any, ...]:
        self.take(b" ")
        disposition: Any = None
        if self.sees(b"("):
            self.take(b"(")
            disposition = self.string()
            self.take(b" ")
            disposition = (disposition, self.parameters())
            self.take(b")")
        else:
            self.take(b"NIL")
        self.take(b" ")
        language: Any
        if self.sees(b"("):
            self.take(b"(")
            language = [self.string()]
            while not self.sees(b")"):
                self.take(b" ")
                language.append(self.string())
            self.take(b")")
        else:
            language = self.nstring()
        self.take(b" ")
        return disposition, language, self.nstring()


def parse_envelope(octets: bytes) -> Envelope:
    reader = _Reader(octets)
    envelope = reader.envelope()
    assert reader.at == len(octets)
    return envelope


def parse_body(octets: bytes, *, is_extensible: bool = True) -> Body:
    reader = _Reader(octets)
    body = reader.body(is_extensible=is_extensible)
    assert reader.at == len(octets)
    return body
