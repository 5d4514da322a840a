"""The mailboxes as the side of the page shows them: the well-known ones first, the others as a tree."""

from collections.abc import Iterable
from dataclasses import dataclass

from mailboxes.store.mailbox_names import INBOX, SEPARATOR
from mailboxes.store.outbox import OUTBOX
from mailboxes.store.values import MailboxEntry

# RFC 6154's uses in the order people look for them, with the icon of each; INBOX and the Outbox have none, but a name.
WELL_KNOWN = {
    INBOX: "inbox",
    "\\Drafts": "drafts",
    OUTBOX: "outbox",
    "\\Sent": "sent",
    "\\Archive": "archive",
    "\\Junk": "junk",
    "\\Trash": "trash",
}
OTHERS = len(WELL_KNOWN)
MAX_DEPTH = 3  # deeper levels are indented no further


@dataclass(frozen=True, slots=True)
class Folder:
    """One line. A superior level that is no mailbox itself has no mailbox_id."""

    mailbox_id: int | None
    label: str
    icon: str
    depth: int
    count: int
    is_first_other: bool = False


def kind(entry: MailboxEntry) -> str:
    """What the mailbox is known as: "inbox", "drafts", …, or "folder"."""
    return WELL_KNOWN.get(_use(entry), "folder")


def _use(entry: MailboxEntry) -> str:
    return entry.name if entry.name == INBOX else entry.special_use or entry.name


def label(entry: MailboxEntry) -> str:
    """The mailbox's name without its superiors; Inbox in lower case, as people write it."""
    return "Inbox" if entry.name == INBOX else entry.name.rpartition(SEPARATOR)[2]


def arrange(entries: Iterable[MailboxEntry]) -> list[Folder]:
    """All living mailboxes in the order of the page, with missing superior levels filled in."""
    living = [entry for entry in entries if entry.exists]
    roots = {entry.name: rank for entry in living if (rank := _rank(entry)) < OTHERS}
    nodes: dict[tuple[int, tuple[str, ...]], MailboxEntry | None] = {}
    for entry in living:
        rank, levels = _place(entry.name, roots)
        for depth in range(1, len(levels)):
            nodes.setdefault((rank, levels[:depth]), None)
        nodes[rank, levels] = entry
    folders: list[Folder] = []
    for rank, levels in sorted(nodes, key=lambda node: (node[0], tuple(map(_sort_key, node[1])))):
        is_first_other = rank == OTHERS and not any(folder.is_first_other for folder in folders)
        folders.append(_folder(nodes[rank, levels], rank, levels, is_first_other))
    return folders


def _rank(entry: MailboxEntry) -> int:
    use = _use(entry)
    return list(WELL_KNOWN).index(use) if use in WELL_KNOWN else OTHERS


def _place(name: str, roots: dict[str, int]) -> tuple[int, tuple[str, ...]]:
    """Under which well-known mailbox the name stands, if any, and its levels from there."""
    levels = tuple(name.split(SEPARATOR))
    for depth in range(len(levels), 0, -1):
        rank = roots.get(SEPARATOR.join(levels[:depth]))
        if rank is not None:
            return rank, ("", *levels[depth:])
    return OTHERS, levels


def _folder(entry: MailboxEntry | None, rank: int, levels: tuple[str, ...], is_first_other: bool) -> Folder:
    depth = min(len(levels) - 1, MAX_DEPTH)
    if entry is None:
        return Folder(None, levels[-1], "folder", depth, 0, is_first_other)
    return Folder(entry.mailbox_id, label(entry), kind(entry), depth, _count(entry), is_first_other)


def _count(entry: MailboxEntry) -> int:
    """What waits there: unseen messages, or drafts to be finished. Nothing waits in Sent and Trash."""
    if entry.special_use == "\\Drafts":
        return entry.message_count
    return 0 if entry.special_use in {"\\Sent", "\\Trash"} else entry.unseen_count


def _sort_key(level: str) -> tuple[str, str]:
    return level.casefold(), level
