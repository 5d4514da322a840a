"""POP3 replies (RFC 1939 section 3), with response codes (RFC 2449 section 8, RFC 3206)."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum

END = b".\r\n"
LINES_AT_ONCE = 2_000  # about 30 KB of a listing
# RFC 2449 section 4: a reply has 512 octets at most, CRLF and all.
MAX_TEXT = 480
CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


class ResponseCode(Enum):
    """What a client may act on without reading the text."""

    AUTH = "AUTH"  # RFC 3206 section 4: the credentials are the problem
    LOGIN_DELAY = "LOGIN-DELAY"  # RFC 2449 section 8.1.1: signed in again too soon
    IN_USE = "IN-USE"  # RFC 2449 section 8.1.2: another session holds the maildrop
    SYS_TEMP = "SYS/TEMP"  # RFC 3206 section 3: try again, nothing is wrong with the credentials
    SYS_PERM = "SYS/PERM"  # RFC 3206 section 3: somebody has to put something right


def ok(text: str = "") -> bytes:
    """`+OK text`"""
    return _line("+OK", text)


def err(text: str, code: ResponseCode | None = None) -> bytes:
    """`-ERR [CODE] text`"""
    return _line("-ERR", f"[{code.value}] {text}" if code is not None else text)


def _line(status: str, text: str) -> bytes:
    plain = CONTROLS.sub(" ", text)  # no text of somebody else's makes a second line
    octets = f"{status} {plain}".rstrip().encode()[:MAX_TEXT]
    return octets.decode(errors="ignore").encode() + b"\r\n"


def listing(first: bytes, lines: Iterable[str]) -> Iterator[bytes]:
    """A reply of many lines, in pieces to be written one by one. No line of ours begins with a dot."""
    piece = [first]
    for line in lines:
        piece.append(line.encode() + b"\r\n")
        if len(piece) >= LINES_AT_ONCE:
            yield b"".join(piece)
            piece = []
    yield b"".join([*piece, END])
