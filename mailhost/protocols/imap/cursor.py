"""The words of the IMAP grammar, taken one after the other from a command (RFC 3501 section 9).

Each pattern stands under the ABNF that it implements. Every method raises `ImapSyntaxError` and nothing else.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.framing import CommandText

T = TypeVar("T")

# atom = 1*ATOM-CHAR; atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / "]"
ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
# ASTRING-CHAR = ATOM-CHAR / resp-specials
ASTRING_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
# list-char = ATOM-CHAR / list-wildcards / resp-specials
LIST_ATOM = re.compile(rb'[^\x00-\x20(){"\\\x7f-\xff]+')
# tag = 1*<any ASTRING-CHAR except "+">
TAG = re.compile(rb'[^\x00-\x20(){%*"\\+\x7f-\xff]{1,128}')
# quoted = DQUOTE *QUOTED-CHAR DQUOTE; octets above 127 are let through because clients send UTF-8 here (RFC 9051)
QUOTED = re.compile(rb'"((?:[^\x00\r\n"\\]|\\["\\])*)"')
QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
# literal = "{" number ["+"] "}" CRLF *CHAR8, whose octets stand beside the text
LITERAL = re.compile(rb"\{[0-9]+\+?\}\r\n")
# number = 1*DIGIT, 0 <= n < 4,294,967,296
NUMBER = re.compile(rb"[0-9]{1,10}")
MAX_NUMBER = 0xFFFF_FFFF
# NIL is an atom in any case; it must not be the beginning of a longer one.
NIL = re.compile(rb'NIL(?![^\x00-\x20(){%*"\\\]\x7f-\xff])', re.IGNORECASE)


class Cursor:
    """A place in one command's octets."""

    __slots__ = ("_literals", "_next_literal", "at", "has_utf8_names", "knows_charsets", "octets")

    def __init__(
        self, command: CommandText, *, has_utf8_names: bool = False, knows_charsets: bool = True
    ) -> None:
        self.has_utf8_names = has_utf8_names  # mailbox names: see names.py
        self.knows_charsets = knows_charsets  # RFC 6855 section 3: after ENABLE UTF8=ACCEPT all is UTF-8
        self.octets = command.octets
        self.at = 0
        self._literals = command.literals
        self._next_literal = 0

    def take(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """What `pattern` matches here; `what` names it in the refusal."""
        match = pattern.match(self.octets, self.at)
        if match is None:
            raise ImapSyntaxError(f"expected {what}")
        self.at = match.end()
        return match[0]

    def take_if(self, octets: bytes) -> bool:
        """Step over exactly these octets if they come next (in any case)."""
        end = self.at + len(octets)
        if self.octets[self.at : end].upper() != octets.upper():
            return False
        self.at = end
        return True

    def comes(self, octets: bytes) -> bool:
        return self.octets.startswith(octets, self.at)

    def expect(self, octets: bytes) -> None:
        if not self.take_if(octets):
            raise ImapSyntaxError(f"expected {octets.decode('ascii')!r}")

    def space(self) -> None:
        """SP; more than one is let through, as clients have sent for thirty years."""
        if not self.comes(b" "):
            raise ImapSyntaxError("expected a space")
        self.skip_spaces()

    def skip_spaces(self) -> None:
        """Spaces, if any."""
        while self.comes(b" "):
            self.at += 1

    @property
    def has_literals(self) -> bool:
        """Whether there are any in the command."""
        return bool(self._literals)

    @property
    def is_at_end(self) -> bool:
        return self.at >= len(self.octets)

    def end(self) -> None:
        self.skip_spaces()  # at the end they are common and harmless
        if not self.is_at_end:
            raise ImapSyntaxError("unexpected words at the end of the command")

    def atom(self, what: str = "an atom") -> str:
        return self.take(ATOM, what).decode("ascii")

    def word(self, what: str = "a word") -> str:
        """An atom that is a keyword of the grammar, in upper case."""
        return self.atom(what).upper()

    def number(self, what: str = "a number") -> int:
        number = int(self.take(NUMBER, what))
        if number > MAX_NUMBER:
            raise ImapSyntaxError(f"{what} is out of range")
        return number

    def literal_octets(self) -> bytes | None:
        """The literal that stands here, or None."""
        match = LITERAL.match(self.octets, self.at)
        if match is None or self._next_literal >= len(self._literals):
            return None
        self.at = match.end()
        self._next_literal += 1
        return self._literals[self._next_literal - 1]

    def string_octets(self, what: str = "a string") -> bytes:
        """string = quoted / literal, without NUL (RFC 3501 section 4.3)."""
        match = QUOTED.match(self.octets, self.at)
        if match is not None:
            self.at = match.end()
            text = match[1]
            return QUOTED_PAIR.sub(rb"\1", text) if b"\\" in text else text
        octets = self.literal_octets()
        if octets is None:
            raise ImapSyntaxError(f"expected {what}")
        if b"\x00" in octets:
            raise ImapSyntaxError(f"{what} holds a NUL")
        return octets

    def astring_octets(self, what: str = "a string", pattern: re.Pattern[bytes] = ASTRING_ATOM) -> bytes:
        """astring = 1*ASTRING-CHAR / string."""
        match = pattern.match(self.octets, self.at)
        if match is not None:
            self.at = match.end()
            return match[0]
        return self.string_octets(what)

    def astring(self, what: str = "a string") -> str:
        """An astring that must be UTF-8."""
        return decode(self.astring_octets(what), what)

    def nstring_octets(self, what: str = "a string or NIL") -> bytes | None:
        match = NIL.match(self.octets, self.at)
        if match is not None:
            self.at = match.end()
            return None
        return self.string_octets(what)

    def parenthesised(
        self, item: Callable[["Cursor"], T], what: str, *, may_be_empty: bool = False
    ) -> list[T]:
        """ "(" item *(SP item) ")"."""
        self.expect(b"(")
        items: list[T] = []
        if self.take_if(b")"):
            if not may_be_empty:
                raise ImapSyntaxError(f"expected {what}")
            return items
        while True:
            items.append(item(self))
            if self.take_if(b")"):
                return items
            self.space()
            if self.take_if(b")"):  # "(A B )": a space before the end is let through
                return items


def decode(octets: bytes, what: str) -> str:
    """UTF-8 to text, or the refusal."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ImapSyntaxError(f"{what} is not UTF-8") from None
