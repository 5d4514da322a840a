"""ENABLE: extensions that change what the server says, once the client asked for them (RFC 5161).

RFC 9051 section 6.3.1 has the same command; there it is part of the protocol itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError

# What may be enabled, in the spelling in which it is told.
CAN_BE_ENABLED: tuple[str, ...] = ("CONDSTORE", "IMAP4rev2", "QRESYNC", "UIDONLY", "UTF8=ACCEPT")
# RFC 7162 section 3.2.3: who enables QRESYNC has enabled CONDSTORE as well.
IMPLIES: dict[str, tuple[str, ...]] = {"QRESYNC": ("CONDSTORE",)}
MAX_WORDS = 100


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """RFC 5161 section 3.1; words in upper case. RFC 5161 lets a server allow it with a mailbox selected."""

    extension = "ENABLE"

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unauthenticate(Command):
    """RFC 8437 section 2: what was enabled ends with the login."""

    extension = "UNAUTHENTICATE"


def take_enable(cursor: Cursor) -> Enable:
    """enable = "ENABLE" 1*(SP capability)."""
    words = []
    while not cursor.is_at_end:
        cursor.space()
        if not cursor.is_at_end:
            words.append(cursor.word("a capability"))
    if not words:
        raise ImapSyntaxError("expected a capability")
    if len(words) > MAX_WORDS:
        raise ImapSyntaxError("too many capabilities")
    return Enable(tuple(dict.fromkeys(words)))


PARSERS: dict[str, Callable[[Cursor], Command]] = {
    "ENABLE": take_enable,
    "UNAUTHENTICATE": lambda cursor: Unauthenticate(),
}
