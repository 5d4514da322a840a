"""What became of messages in Sent, in words for who sent them: on a message's page, and as marks in the list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from delivery.models import RecipientState
from delivery.status import FAILED, Counts, Status, read_counts, read_status
from mailboxes.models import Account, Message
from mailboxes.store.values import MailboxEntry
from mailhost.webmail.listing import PAGE_LENGTH, Mark, Page

# States with their word for one recipient and for several, in the order of the one line that tells of all.
WORDS: Final[tuple[tuple[tuple[RecipientState, ...], str, str], ...]] = (
    ((RecipientState.DELIVERED,), "delivered", "delivered"),
    (FAILED, "did not arrive", "did not arrive"),
    ((RecipientState.DEFERRED,), "waits", "wait"),
    ((RecipientState.HELD,), "held for an operator", "held for an operator"),
    ((RecipientState.QUEUED,), "on its way", "on their way"),
    ((RecipientState.WAITING,), "not sent yet", "not sent yet"),
    ((RecipientState.CAPTURED,), "kept on this host", "kept on this host"),
    ((RecipientState.CANCELLED,), "cancelled", "cancelled"),
)
# What a list has to say of a message, the gravest first. What is delivered needs no mark.
MARKS: Final[tuple[tuple[RecipientState, str, str], ...]] = (
    (RecipientState.HELD, "waits", "Held"),
    (RecipientState.DEFERRED, "waits", "Waits"),
    (RecipientState.QUEUED, "moves", "On its way"),
    (RecipientState.WAITING, "moves", "Not sent yet"),
)


def status_at(entry: MailboxEntry, uid: int, *, account: Account) -> Status | None:
    """Of the message at this place; None where it is not one that the account has sent, or nothing is known."""
    if not _is_told(entry, account):
        return None
    there = Message.objects.filter(mailbox_id=entry.mailbox_id, uid=uid)
    message_id = there.values_list("content__message_id", flat=True).first()
    return (
        read_status(account_id=account.pk, login=account.login, message_id=message_id) if message_id else None
    )


def with_marks(page: Page, entry: MailboxEntry, *, account: Account) -> Page:
    """The page of a list with a mark where something needs a look: one statement, and none outside Sent."""
    message_ids = [line.message_id for line in page.lines if line.message_id]
    if not message_ids or not _is_told(entry, account):
        return page
    counts = read_counts(account_id=account.pk, message_ids=message_ids)
    lines = [
        replace(line, mark=_mark(counts[line.message_id])) if line.message_id in counts else line
        for line in page.lines
    ]
    return replace(page, lines=lines)


def marks_at(entry: MailboxEntry, uids: Sequence[int], *, account: Account) -> dict[int, Mark | None]:
    """The marks of these messages as they are now, by UID: what an open list asks for. Two statements."""
    if not _is_told(entry, account):
        return {}
    rows = Message.objects.filter(mailbox_id=entry.mailbox_id, uid__in=uids[:PAGE_LENGTH])
    message_ids = dict(rows.values_list("uid", "content__message_id"))
    counts = read_counts(account_id=account.pk, message_ids=list(message_ids.values()))
    return {uid: _mark(counts[each]) if each in counts else None for uid, each in message_ids.items()}


def digest(counts: Counts) -> str:
    """All recipients in one line: "12 of 14 delivered, 1 did not arrive, 1 waits"."""
    total = counts.total
    told = [(number, words) for states, *words in WORDS if (number := counts.of(*states))]
    if len(told) == 1:
        return f"All {total} {told[0][1][total > 1]}"
    parts = [f"{number} {words[number > 1]}" for number, words in told]
    return ", ".join(parts).replace(" ", f" of {total} ", 1)


def needs_a_look(counts: Counts) -> bool:
    """Something did not arrive, or waits for more than its turn."""
    return counts.of(*FAILED, RecipientState.DEFERRED, RecipientState.HELD) > 0


def _mark(counts: Counts) -> Mark | None:
    if failed := counts.failed:
        text = f"{failed} did not arrive" if counts.total > 1 else "Did not arrive"
        return Mark("failed", text, is_moving=counts.is_moving)
    for state, kind, text in MARKS:
        if counts.of(state):
            return Mark(kind, text, is_moving=counts.is_moving)
    return None


def _is_told(entry: MailboxEntry, account: Account) -> bool:
    """In another's mailbox it would be that account's matter."""
    return entry.account_id == account.pk and entry.special_use == "\\Sent"
