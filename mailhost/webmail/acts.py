"""What people do with messages in a list or an open one: mark, move, delete."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from mailboxes.exceptions import MailboxNotFound
from mailboxes.store.copy_and_move import move_messages
from mailboxes.store.expunge import expunge
from mailboxes.store.flags import Mode, store_flags
from mailboxes.store.hierarchy import create_mailbox
from mailboxes.store.values import Flag, MailboxEntry
from mailhost.webmail.access import Desk
from mailhost.webmail.folders import label


class Act(StrEnum):
    """The buttons."""

    SEEN = "seen"
    UNSEEN = "unseen"
    FLAG = "flag"
    UNFLAG = "unflag"
    ARCHIVE = "archive"
    JUNK = "junk"
    NOT_JUNK = "not-junk"
    DELETE = "delete"
    MOVE = "move"
    EMPTY = "empty"


FLAG_CHANGES: dict[Act, tuple[Mode, Flag]] = {
    Act.SEEN: ("add", Flag.SEEN),
    Act.UNSEEN: ("remove", Flag.SEEN),
    Act.FLAG: ("add", Flag.FLAGGED),
    Act.UNFLAG: ("remove", Flag.FLAGGED),
}
USES = {Act.ARCHIVE: ("\\Archive", "Archive"), Act.JUNK: ("\\Junk", "Junk"), Act.DELETE: ("\\Trash", "Trash")}
EMPTIED = {"\\Trash", "\\Junk"}


def perform(
    desk: Desk,
    entry: MailboxEntry,
    act: Act,
    uids: Sequence[int],
    *,
    to_mailbox_id: int | None = None,
    now: datetime,
) -> str:
    """Does it to these messages of the mailbox; a sentence about it, "" where the page itself shows it.

    Raises MailboxNotFound for a target that the account does not have, NotPermitted in a mailbox of others, and
    QuotaExceeded where messages go from one account to another.
    """
    if act in FLAG_CHANGES:
        mode, flags = FLAG_CHANGES[act]
        store_flags(
            mailbox_id=entry.mailbox_id, uids=uids, mode=mode, flags=flags, acting_id=desk.account.pk, now=now
        )
        return ""
    if act is Act.EMPTY:
        if entry.special_use not in EMPTIED:
            raise MailboxNotFound(entry.name)
        gone = expunge(
            mailbox_id=entry.mailbox_id, uids=None, only_deleted=False, acting_id=desk.account.pk, now=now
        )
        return f"{_messages(len(gone.uids))} deleted for good."
    if act is Act.DELETE and entry.special_use == "\\Trash":
        gone = expunge(
            mailbox_id=entry.mailbox_id, uids=uids, only_deleted=False, acting_id=desk.account.pk, now=now
        )
        return f"{_messages(len(gone.uids))} deleted for good."
    target = _target(desk, act, to_mailbox_id, now)
    if target.mailbox_id == entry.mailbox_id:
        return f"Already in {label(target)}."
    moved = move_messages(
        account_id=desk.account.pk,
        mailbox_id=entry.mailbox_id,
        owner_id=entry.account_id,
        uids=uids,
        to_mailbox_id=target.mailbox_id,
        to_owner_id=target.account_id,
        now=now,
    )
    return f"{_messages(len(moved.uids))} moved to {label(target)}."


def teaches(desk: Desk, entry: MailboxEntry, act: Act, *, to_mailbox_id: int | None = None) -> bool:
    """Whether the act tells the account's filter what is junk and what is not (see mailboxes/store/lessons.py)."""
    if entry.account_id != desk.account.pk:
        return False
    if act is Act.MOVE and to_mailbox_id is not None:
        uses = (entry.special_use, desk.mailbox(to_mailbox_id).special_use)
        return uses[0] != uses[1] and "\\Junk" in uses and uses != ("\\Junk", "\\Trash")
    return act in ((Act.NOT_JUNK, Act.ARCHIVE) if entry.special_use == "\\Junk" else (Act.JUNK,))


def _target(desk: Desk, act: Act, to_mailbox_id: int | None, now: datetime) -> MailboxEntry:
    if act is Act.NOT_JUNK:
        return desk.inbox()
    if act is Act.MOVE:
        if to_mailbox_id is None:
            raise MailboxNotFound("")
        return desk.mailbox(to_mailbox_id)
    special_use, name = USES[act]
    return desk.by_use(special_use) or _named(desk, name, special_use, now)


def _named(desk: Desk, name: str, special_use: str, now: datetime) -> MailboxEntry:
    """The mailbox that usually has this use; made where the account has deleted it."""
    for entry in desk.entries:
        if entry.name == name:
            return entry
    return create_mailbox(account_id=desk.account.pk, name=name, special_use=special_use, now=now)


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
