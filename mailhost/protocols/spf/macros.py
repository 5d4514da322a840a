"""Macros in SPF records and explanations (RFC 7208 section 7)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from mailhost.protocols.dns_names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS

# macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
_EXPAND = r"%\{([slodiphcrtv])([0-9]*)(r?)([.\-+,/_=]*)\}|(%[%_\-])"
_PIECE = re.compile(_EXPAND + r"|([!-$&-~]+)", re.IGNORECASE)
_PIECE_OR_SPACE = re.compile(_EXPAND + r"|([ -$&-~]+)", re.IGNORECASE)  # explain-string, section 6.2
_ESCAPES: Final = {"%%": "%", "%_": " ", "%-": "%20"}
# domain-end = ( "." toplabel [ "." ] ) / macro-expand; toplabel has a letter or an inner hyphen
_DOMAIN_END = re.compile(
    r"\.(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9\-]*[A-Za-z0-9])\.?\Z"
)
_FOR_EXPLANATIONS_ONLY: Final = frozenset("crt")  # RFC 7208 section 7.2


class MacroSyntaxError(ValueError):
    """The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Macro:
    """%{letter...}: parts counts from the right, None for all of them."""

    letter: str
    parts: int | None
    is_reversed: bool
    delimiters: str
    is_url_escaped: bool


MacroString = tuple[str | Macro, ...]


def parse_macro_string(text: str, *, with_spaces: bool = False) -> MacroString:
    """macro-string, or explain-string with_spaces (RFC 7208 section 7.1). MacroSyntaxError."""
    return tuple(map(_value, _pieces(text, _PIECE_OR_SPACE if with_spaces else _PIECE)))


def _pieces(text: str, form: re.Pattern[str]) -> list[re.Match[str]]:
    pieces: list[re.Match[str]] = []
    position = 0
    while position < len(text):
        piece = form.match(text, position)
        if piece is None:
            raise MacroSyntaxError("a % begins no macro" if text[position] == "%" else "a character is wrong")
        pieces.append(piece)
        position = piece.end()
    return pieces


def _value(piece: re.Match[str]) -> str | Macro:
    letter, digits, is_reversed, delimiters, escape, literal = piece.groups()
    if letter:
        return _macro(letter, digits, bool(is_reversed), delimiters)
    return _ESCAPES[escape] if escape else literal


def _macro(letter: str, digits: str, is_reversed: bool, delimiters: str) -> Macro:
    significant = digits.lstrip("0")
    if digits and not significant:
        raise MacroSyntaxError("a macro asks for 0 parts")  # RFC 7208 section 7.3
    # A name has fewer than 128 labels: what is longer than five digits means all of them.
    parts = int(significant[:5]) if digits else None
    return Macro(letter.lower(), parts, is_reversed, delimiters or ".", letter.isupper())


def parse_domain_spec(text: str) -> MacroString:
    """domain-spec (RFC 7208 section 7.1). MacroSyntaxError."""
    pieces = _pieces(text, _PIECE)
    if not pieces:
        raise MacroSyntaxError("a domain is missing")
    last_literal = pieces[-1][6]
    if last_literal is not None and not _DOMAIN_END.search(last_literal):
        raise MacroSyntaxError("the domain does not end in a top-level domain")
    values = tuple(map(_value, pieces))
    if any(isinstance(value, Macro) and value.letter in _FOR_EXPLANATIONS_ONLY for value in values):
        raise MacroSyntaxError("a macro is for explanations only")
    return values


def uses(pieces: MacroString, letter: str) -> bool:
    """Whether the macro of this letter stands in there."""
    return any(isinstance(piece, Macro) and piece.letter == letter for piece in pieces)


def expand(pieces: MacroString, values: Mapping[str, str], *, longest: int) -> str:
    """The text with every macro replaced: values has one by letter. Its end is what is cut beyond longest."""
    expanded = ""
    for piece in pieces:
        expanded += piece if isinstance(piece, str) else _expand_macro(piece, values[piece.letter])
        if len(expanded) > longest:
            return expanded[:longest]
    return expanded


def expand_name(pieces: MacroString, values: Mapping[str, str]) -> str:
    """A name to look up: without a final dot, and short enough for DNS (RFC 7208 section 7.3)."""
    name = ""
    for piece in reversed(pieces):  # from the right, because what is too long loses its left
        name = (piece if isinstance(piece, str) else _expand_macro(piece, values[piece.letter])) + name
        if len(name) > MAX_NAME_OCTETS + 1 + MAX_LABEL_OCTETS:
            break
    name = name.removesuffix(".")
    while len(name) > MAX_NAME_OCTETS and "." in name:
        name = name.partition(".")[2]
    return name


def _expand_macro(macro: Macro, value: str) -> str:
    parts = re.split("[" + re.escape(macro.delimiters) + "]", value)
    if macro.is_reversed:
        parts.reverse()
    if macro.parts is not None:
        parts = parts[-macro.parts :]
    joined = ".".join(parts)
    # RFC 7208 section 7.3: all but the unreserved characters of RFC 3986 are escaped.
    return quote(joined, safe="-._~", errors="replace") if macro.is_url_escaped else joined
