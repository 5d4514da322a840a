"""FETCH's modifiers: CHANGEDSINCE and VANISHED (RFC 7162 section 7), PARTIAL (RFC 9394 section 3.3)."""

from dataclasses import dataclass

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.resync import ChangedSince, take_mod_sequence
from mailhost.protocols.imap.search_options import PartialRange, take_partial_range


@dataclass(frozen=True, slots=True)
class FetchModifiers:
    changed_since: ChangedSince | None = None
    partial: PartialRange | None = None


def take_fetch_modifiers(cursor: Cursor, *, by_uid: bool) -> FetchModifiers:
    """[SP "(" fetch-modifier *(SP fetch-modifier) ")"], each once, in any order."""
    if not cursor.comes(b" ("):
        return FetchModifiers()
    cursor.space()
    words: set[str] = set()
    modseqs: list[int] = []
    partials: list[PartialRange] = []

    def take(inner: Cursor) -> None:
        word = inner.word("a modifier")
        if word in words:
            raise ImapSyntaxError(f"{word} is given twice")
        words.add(word)
        if word == "CHANGEDSINCE":
            inner.space()
            modseqs.append(take_mod_sequence(inner))
        elif word == "PARTIAL" and by_uid:  # it extends UID FETCH alone
            inner.space()
            partials.append(take_partial_range(inner))
        elif word != "VANISHED":
            raise ImapSyntaxError(f"{word[:40]} is not a modifier here")

    cursor.parenthesised(take, "a modifier")
    if "VANISHED" in words and not modseqs:
        raise ImapSyntaxError("VANISHED needs CHANGEDSINCE")  # RFC 7162 section 3.2.6
    since = ChangedSince(modseqs[0], "VANISHED" in words) if modseqs else None
    return FetchModifiers(since, partials[0] if partials else None)
