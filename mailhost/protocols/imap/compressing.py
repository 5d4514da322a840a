"""COMPRESS (RFC 4978)."""

from collections.abc import Callable
from dataclasses import dataclass

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.states import AFTER_LOGIN


@dataclass(frozen=True, slots=True)
class Compress(Command):
    """Section 3; the algorithm in upper case. Section 5 makes it a command of the authenticated states."""

    allowed_in = AFTER_LOGIN
    extension = "COMPRESS=DEFLATE"

    algorithm: str


def take_compress(cursor: Cursor) -> Compress:
    """compress = "COMPRESS" SP algorithm."""
    cursor.space()
    return Compress(cursor.word("an algorithm"))


PARSERS: dict[str, Callable[[Cursor], Command]] = {"COMPRESS": take_compress}
