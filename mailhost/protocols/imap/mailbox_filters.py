"""Which mailboxes are meant: filter-mailboxes of RFC 5465 section 8, with RFC 7377's subtree-one."""

from dataclasses import dataclass
from enum import Enum

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import take_mailbox

MAX_NAMES = 500
MAX_FILTERS = 100


class FilterKind(Enum):
    """The word on the wire."""

    SELECTED = "SELECTED"
    SELECTED_DELAYED = "SELECTED-DELAYED"
    INBOXES = "INBOXES"
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"
    MAILBOXES = "MAILBOXES"


WITH_NAMES = frozenset({FilterKind.SUBTREE, FilterKind.SUBTREE_ONE, FilterKind.MAILBOXES})
_KINDS = {kind.value: kind for kind in FilterKind}


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    kind: FilterKind
    names: tuple[str, ...] = ()


def take_mailbox_filter(cursor: Cursor) -> MailboxFilter:
    """filter-mailboxes = "selected" / … / "subtree" SP one-or-more-mailbox / "mailboxes" SP one-or-more-mailbox."""
    word = cursor.word("which mailboxes are meant")
    kind = _KINDS.get(word)
    if kind is None:
        raise ImapSyntaxError(f"{word[:40]} does not say which mailboxes are meant")
    if kind not in WITH_NAMES:
        return MailboxFilter(kind)
    cursor.space()
    if not cursor.comes(b"("):
        return MailboxFilter(kind, (take_mailbox(cursor),))
    names = tuple(cursor.parenthesised(take_mailbox, "a mailbox name"))
    if len(names) > MAX_NAMES:
        raise ImapSyntaxError("too many mailbox names")
    return MailboxFilter(kind, names)
