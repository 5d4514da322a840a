"""Which of an account's mailboxes a filter means (RFC 5465 section 6, RFC 7377 section 2.2)."""

from collections.abc import Iterable, Sequence

from mailboxes.exceptions import MailboxNameInvalid
from mailboxes.store.mailbox_names import INBOX, SEPARATOR, canonical_name
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.mailbox_filters import FilterKind, MailboxFilter


def pick(
    filters: Iterable[MailboxFilter],
    entries: Sequence[MailboxEntry],
    *,
    account_id: int,
    selected_id: int | None,
) -> list[MailboxEntry]:
    """Those that exist and that one of the filters means, each once, in the order of the entries.

    What is not there, or is not for this account, is passed over without a word.
    """
    living = [entry for entry in entries if entry.exists]
    picked: set[int] = set()
    for each in filters:
        names = _names(each.names)
        for entry in living:
            if _means(each.kind, names, entry, account_id=account_id, selected_id=selected_id):
                picked.add(entry.mailbox_id)
    return [entry for entry in living if entry.mailbox_id in picked]


def _means(
    kind: FilterKind, names: set[str], entry: MailboxEntry, *, account_id: int, selected_id: int | None
) -> bool:
    match kind:
        case FilterKind.SELECTED | FilterKind.SELECTED_DELAYED:
            return entry.mailbox_id == selected_id
        case FilterKind.INBOXES:  # where delivery puts what comes
            return entry.account_id == account_id and entry.name == INBOX
        case FilterKind.PERSONAL:
            return entry.account_id == account_id
        case FilterKind.SUBSCRIBED:
            return entry.is_subscribed
        case FilterKind.MAILBOXES:
            return entry.name in names
        case FilterKind.SUBTREE:
            levels = entry.name.split(SEPARATOR)
            return any(SEPARATOR.join(levels[:depth]) in names for depth in range(1, len(levels) + 1))
        case FilterKind.SUBTREE_ONE:  # the mailbox and those directly below it
            return entry.name in names or entry.name.rpartition(SEPARATOR)[0] in names


def _names(names: Iterable[str]) -> set[str]:
    """As they are stored; what cannot be a name means nothing."""
    found = set()
    for name in names:
        try:
            found.add(canonical_name(name))
        except MailboxNameInvalid:
            continue
    return found
