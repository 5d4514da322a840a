"""CANCELUPDATE, and the responses that keep a client's search up to date (RFC 5267 sections 4.3 and 5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import TAG, Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.sequence_sets import format_set
from mailhost.protocols.imap.states import WITH_MAILBOX

MAX_TAGS = 100


@dataclass(frozen=True, slots=True)
class CancelUpdate(Command):
    """Section 4.3.5."""

    allowed_in = WITH_MAILBOX
    extension = "CONTEXT=SEARCH"

    tags: tuple[str, ...]


def take_cancel_update(cursor: Cursor) -> CancelUpdate:
    """ "CANCELUPDATE" 1*(SP quoted)."""
    tags: list[str] = []
    while not cursor.is_at_end or not tags:
        cursor.space()
        octets = cursor.string_octets("a tag in quotes")
        if TAG.fullmatch(octets) is None:
            raise ImapSyntaxError("expected a tag in quotes")
        tags.append(octets.decode("ascii"))
        if len(tags) > MAX_TAGS:
            raise ImapSyntaxError("too many tags")
    return CancelUpdate(tuple(tags))


def update_data(*, removed: Sequence[int], added: Sequence[int]) -> list[str]:
    """REMOVEFROM and ADDTO. At position 0: in mailbox order, as a SEARCH's results are (section 4.3.3)."""
    data = [f"REMOVEFROM (0 {format_set(removed)})"] if removed else []
    return [*data, f"ADDTO (0 {format_set(added)})"] if added else data


PARSERS: dict[str, Callable[[Cursor], Command]] = {"CANCELUPDATE": take_cancel_update}
