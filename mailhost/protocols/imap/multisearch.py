"""ESEARCH, which searches several mailboxes (RFC 7377 section 4)."""

from collections.abc import Callable
from dataclasses import dataclass

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.mailbox_filters import (
    MAX_FILTERS,
    FilterKind,
    MailboxFilter,
    take_mailbox_filter,
)
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.search_options import EVERYTHING, ReturnOptions, take_return_options
from mailhost.protocols.imap.search_parser import saving, take_search_program

SELECTED: tuple[MailboxFilter, ...] = (MailboxFilter(FilterKind.SELECTED),)


@dataclass(frozen=True, slots=True)
class MultiSearch(Command):
    """Section 2.1. Its results are always UIDs."""

    holds_sequence_numbers = True
    extension = "MULTISEARCH"

    key: SearchKey
    sources: tuple[MailboxFilter, ...] = SELECTED
    returns: ReturnOptions = EVERYTHING
    by_uid: bool = True

    @property
    def is_of_selected(self) -> bool:
        """Whether the selected mailbox is meant, or one of those that are."""
        return any(each.kind is FilterKind.SELECTED for each in self.sources)

    @property
    def is_of_selected_alone(self) -> bool:
        return all(each.kind is FilterKind.SELECTED for each in self.sources)


def take_multisearch(cursor: Cursor) -> MultiSearch:
    """ "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program."""
    cursor.space()
    sources = SELECTED
    if cursor.take_if(b"IN "):
        sources = _take_sources(cursor)
        cursor.space()
    returns = take_return_options(cursor)
    with saving(returns):
        key = take_search_program(cursor)
    command = MultiSearch(key, sources, returns or EVERYTHING)
    if "SAVE" in command.returns.words and not command.is_of_selected_alone:  # section 2.2
        raise ImapSyntaxError("SAVE is for the selected mailbox alone")
    return command


def _take_sources(cursor: Cursor) -> tuple[MailboxFilter, ...]:
    """esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-option *(SP scope-option) ")"] ")"."""

    def take(inner: Cursor) -> MailboxFilter:
        if inner.comes(b"("):  # none has been defined
            raise ImapSyntaxError("there are no scope options")
        return take_mailbox_filter(inner)

    sources = tuple(cursor.parenthesised(take, "which mailboxes are meant"))
    if len(sources) > MAX_FILTERS:
        raise ImapSyntaxError("too many mailboxes")
    if any(each.kind is FilterKind.SELECTED_DELAYED for each in sources):  # NOTIFY's alone
        raise ImapSyntaxError("the selected mailbox is called selected here")
    return sources


PARSERS: dict[str, Callable[[Cursor], Command]] = {"ESEARCH": take_multisearch}
