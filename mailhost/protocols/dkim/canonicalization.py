"""The forms in which headers and bodies are hashed, simple and relaxed (RFC 6376 section 3.4).

What was received is what is hashed. In a body only CRLF is a line end; a bare CR or LF is an octet like any other.
In a header field a bare one is a line end, as readers take it, and relaxed makes all of them nothing or CRLF.
"""

import enum
import re
from collections.abc import Iterator
from typing import Final

PIECE_OCTETS: Final = 1 << 18  # bodies are worked on in pieces: a copy of 50 MB for each form would be felt

_ANY_END = re.compile(rb"\r\n|\r|\n")
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")


class Canonicalization(enum.StrEnum):
    SIMPLE = "simple"
    RELAXED = "relaxed"


def field_in_form(form: Canonicalization, name: bytes, field: bytes, value: bytes) -> bytes:
    """A header field as it is hashed, with its CRLF (sections 3.4.1 and 3.4.2).

    name: in lower case. field: all its octets, its line end too. value: those behind the colon.
    """
    if form is Canonicalization.SIMPLE:
        return field if field.endswith((b"\n", b"\r")) else field + b"\r\n"
    return b"%b:%b\r\n" % (name, _collapse(_ANY_END.sub(b"", value)).strip(b" "))


def without_line_end(field: bytes) -> bytes:
    """The last field of those that are hashed, the signature's own, goes in without it (section 3.7)."""
    if field.endswith(b"\r\n"):
        return field[:-2]
    return field[:-1] if field.endswith((b"\n", b"\r")) else field


def body_in_form(form: Canonicalization, octets: bytes, start: int) -> Iterator[bytes | memoryview]:
    """The body octets[start:] as it is hashed, in pieces (sections 3.4.3 and 3.4.4). In linear time."""
    if form is Canonicalization.RELAXED:
        return _relaxed_body(octets, start)
    return _simple_body(octets, start)


def _simple_body(octets: bytes, start: int) -> Iterator[bytes | memoryview]:
    end = _before_trailing_ends(octets, start)
    view = memoryview(octets)
    for at in range(start, end, PIECE_OCTETS):
        yield view[at : min(at + PIECE_OCTETS, end)]
    yield b"\r\n"  # also for a body that is empty


def _relaxed_body(octets: bytes, start: int) -> Iterator[bytes]:
    is_empty = True
    while start < len(octets):
        # Cut behind an octet that is not blank, so that all blanks that belong together are in one piece.
        cut = _NOT_BLANK.search(octets, start + PIECE_OCTETS)
        end = len(octets) if cut is None else cut.end()
        piece = _collapse(octets[start:end])
        if b" \r\n" in piece:
            piece = piece.replace(b" \r\n", b"\r\n")
        if cut is None:
            piece = piece.removesuffix(b" ")
            piece = piece[: _before_trailing_ends(piece, 0)]
        if piece:
            is_empty = False
            yield piece
        start = end
    if not is_empty:
        yield b"\r\n"


def _collapse(octets: bytes) -> bytes:
    """Each run of white space as one space. Halving runs takes half the time of a pattern, and is linear too."""
    octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets


def _before_trailing_ends(octets: bytes, start: int) -> int:
    """Where the CRLFs begin in which octets[start:] ends."""
    end = len(octets)
    tail = end
    while tail > start:  # the CRs and LFs at the end, in steps, to copy no large body for them
        at = max(start, tail - PIECE_OCTETS)
        kept = len(octets[at:tail].rstrip(b"\r\n"))
        tail = at + kept
        if kept:
            break
    if tail == end or not octets.endswith(b"\r\n"):
        return end
    # Read backwards, CR and LF alternate until two of a kind meet.
    meeting = max(octets.rfind(b"\n\n", tail), octets.rfind(b"\r\r", tail))
    first = tail if meeting < 0 else meeting + 1
    return first + 1 if octets[first : first + 1] == b"\n" else first
