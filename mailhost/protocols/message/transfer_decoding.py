"""Undoing content-transfer-encodings a piece at a time (RFC 2045 section 6), for FETCH BINARY (RFC 3516).

What is not intact is decoded as far as it goes. The pieces may be cut anywhere; what comes out is the same.
"""

import binascii
import re
from typing import Protocol

_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
# Section 6.7 rule 3: blanks at the end of a line were added on the way, and are to be deleted.
_TRANSPORT_PADDING = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_SOFT_BREAK_OF_CR = re.compile(
    rb"=\r(?!\n)"
)  # binascii would take it for a break that lasts until the next LF
_LONG_LINE = 65_536  # lines have 76 octets; what has none is decoded all the same, and in linear time


class Decoder(Protocol):
    """Feed it pieces, then take what the end still gives."""

    def feed(self, octets: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class _Identity:
    """7bit, 8bit and binary: the octets themselves."""

    def feed(self, octets: bytes) -> bytes:
        return octets

    def end(self) -> bytes:
        return b""


class _Base64:
    """Section 6.8: characters outside the alphabet are passed over, padding ends it."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_over = False

    def feed(self, octets: bytes) -> bytes:
        if self._is_over:
            return b""
        digits, padding, _ = (self._rest + octets.translate(None, _NOT_BASE64)).partition(b"=")
        self._is_over = bool(padding)
        whole = len(digits) // 4 * 4
        self._rest = digits[whole:]
        return binascii.a2b_base64(digits[:whole])

    def end(self) -> bytes:
        rest, self._rest = self._rest, b""
        return binascii.a2b_base64(rest + b"=" * (-len(rest) % 4)) if len(rest) > 1 else b""


class _QuotedPrintable:
    """Section 6.7: as far as it is intact; what only looks like an encoded octet stays."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> bytes:
        octets = self._rest + octets
        cut = octets.rfind(b"\n") + 1
        if len(octets) - cut > _LONG_LINE:
            cut = _understood(octets)
        self._rest = octets[cut:]
        return _decode_lines(octets[:cut])

    def end(self) -> bytes:
        rest, self._rest = self._rest, b""
        return _decode_lines(rest)


def _understood(octets: bytes) -> int:
    """How far it can be decoded without what comes next: not blanks at the end, nor what follows a "="."""
    ended = octets.rstrip(b" \t\r=")
    if ended[-2:-1] == b"=":
        ended = ended[:-2].rstrip(b"=")
    return len(ended)


def _decode_lines(lines: bytes) -> bytes:
    return binascii.a2b_qp(_SOFT_BREAK_OF_CR.sub(b"", _TRANSPORT_PADDING.sub(b"", lines)))


_DECODERS: dict[bytes, type[Decoder]] = {
    b"": _Identity,
    b"7bit": _Identity,
    b"8bit": _Identity,
    b"binary": _Identity,
    b"base64": _Base64,
    b"quoted-printable": _QuotedPrintable,
}


def decoder_for(encoding: bytes) -> Decoder | None:
    """A new decoder; None for an encoding that nobody knows."""
    kind = _DECODERS.get(encoding.strip().lower())
    return kind() if kind is not None else None
