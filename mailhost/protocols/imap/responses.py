"""What the server says, in wire form (RFC 3501 sections 7 and 9, response)."""

import re
from dataclasses import dataclass
from typing import Literal

# nil / quoted; what holds anything else goes as a literal, which is always legal
_ATOM_SAFE = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_UTF8_QUOTABLE = re.compile(r"[^\x00\r\n]*")
_NOT_IN_TEXT = re.compile(r"[\x00-\x1f\x7f]+")
MAX_QUOTED = 1_000  # longer strings go as literals: some clients bound the line


@dataclass(frozen=True, slots=True)
class Reply:
    """A command's completion: OK, NO or BAD, a response code without its brackets, and a text for people."""

    status: Literal["OK", "NO", "BAD"]
    text: str
    code: str = ""

    def to_wire(self, tag: str) -> bytes:
        return status_line(tag, self.status, self.text, self.code)


def ok(text: str, code: str = "") -> Reply:
    return Reply("OK", text, code)


def no(text: str, code: str = "") -> Reply:
    return Reply("NO", text, code)


def bad(text: str, code: str = "") -> Reply:
    return Reply("BAD", text, code)


def status_line(tag: str, status: str, text: str, code: str = "") -> bytes:
    """resp-cond-state: tag SP status SP ["[" code "]" SP] text; the text is made printable US-ASCII."""
    text = _NOT_IN_TEXT.sub(" ", text).encode("ascii", "replace").decode("ascii") or "-"
    return f"{tag} {status} {f'[{code}] ' if code else ''}{text}\r\n".encode("ascii")


def in_progress(tag: str, *, done: int = 0, goal: int = 0) -> bytes:
    """The command goes on (RFC 9585 section 3); how far is told as far as it is known: 0 is not."""
    state = f"{done} {goal or 'NIL'}" if done else "NIL NIL"
    return status_line("*", "OK", "Still at it.", f'INPROGRESS ("{quotable(tag)}" {state})')


def quotable(text: str) -> str:
    """As it stands between double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def continuation(text: str = "") -> bytes:
    """continue-req; an empty one is what SASL expects."""
    return f"+ {text}\r\n".encode("ascii")


def untagged(words: str) -> bytes:
    return f"* {words}\r\n".encode("ascii")


def string(octets: bytes) -> bytes:
    """string: quoted where it may be, a literal otherwise."""
    if len(octets) <= MAX_QUOTED and _QUOTABLE.fullmatch(octets):
        return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return literal(octets)


def utf8_string(text: str) -> bytes:
    """A string for a client that has enabled UTF-8: quoted strings may hold it (RFC 6855 section 3)."""
    octets = text.encode("utf-8", "replace")
    if len(octets) <= MAX_QUOTED and _UTF8_QUOTABLE.fullmatch(text):
        return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return literal(octets)


def nstring(octets: bytes | None) -> bytes:
    return b"NIL" if octets is None else string(octets)


def literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(octets), octets)


def literal8(octets: bytes) -> bytes:
    """What may hold NULs (RFC 3516 section 4.3)."""
    return b"~{%d}\r\n%b" % (len(octets), octets)


def astring(octets: bytes) -> bytes:
    """An atom where it may be one (and is not NIL), a string otherwise: how mailbox names are told."""
    if _ATOM_SAFE.fullmatch(octets) and octets.upper() != b"NIL":
        return octets
    return string(octets)
