"""Storing new messages in one mailbox: APPEND, and what is worked out of a message before it is stored."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import MailboxNotFound
from mailboxes.store import structure
from mailboxes.store.append_batch import Item, Target, append_batch
from mailboxes.store.grants import changeable_flags, require_on
from mailboxes.store.keywords import checked_keywords
from mailboxes.store.lessons import note_appended
from mailboxes.store.locks import lock_mailboxes, lock_usage, one
from mailboxes.store.values import Appended, Flag, NewContent, NewMessage
from mailhost.protocols.message.scanner import Part
from mailhost.protocols.message.working_out import outline, work_out

SLOW_OCTETS = 128 * 1024  # from here on prepare() takes milliseconds: not in an event loop

UID_VALIDITY = (
    "SELECT uid_validity FROM mailboxes_mailbox WHERE id = %s AND account_id = %s AND deleted_at IS NULL"
)


def prepare(octets: bytes, root: Part | None = None) -> NewContent:
    """What is worked out of a message before it is stored. Pure computation: hold no lock meanwhile.

    root: its structure, where it is known.
    """
    worked_out = work_out(octets, limits=structure.limits(), root=root)
    return NewContent(octets, hashlib.sha256(octets).digest(), worked_out)


def prepare_to_leave(octets: bytes) -> NewContent:
    """The same for a message that no mailbox is to show; where one does all the same, the rest is worked out then
    (completing.py). Pure computation."""
    return NewContent(octets, hashlib.sha256(octets).digest(), outline(octets, limits=structure.limits()))


@transaction.atomic
def append(
    *,
    account_id: int,
    mailbox_id: int,
    contents: Sequence[NewMessage],
    acting_id: int | None = None,
    now: datetime,
) -> Appended:
    """Appends messages to one mailbox of the account, all or none, with consecutive UIDs.

    Where another account than the owner acts, with the flags that it may set (RFC 4314 section 4).
    Raises MailboxNotFound, NotPermitted, QuotaExceeded, MessageTooLarge, DiskNearlyFull, TooManyKeywords,
    KeywordInvalid.
    """
    if acting_id is not None and acting_id != account_id:
        contents = _permitted(account_id, mailbox_id, acting_id, contents)
    items = [
        Item(
            message.content,
            [Target(account_id, mailbox_id, message.flags, checked_keywords(message.keywords))],
            message.internal_date or now,
        )
        for message in contents
    ]
    if not items:
        return Appended(_uid_validity(account_id, mailbox_id), [])
    locked = append_batch(items, now=now)
    for item in items:
        if item.failure is not None:
            raise item.failure
    note_appended(locked[mailbox_id], [item.content_id for item in items], now=now)
    return Appended(locked[mailbox_id].uid_validity, [item.uids[0] for item in items])


def _permitted(
    account_id: int, mailbox_id: int, acting_id: int, contents: Sequence[NewMessage]
) -> list[NewMessage]:
    """The messages with the flags that this account may set, under the locks that changes of its rights take."""
    lock_usage([account_id])
    mailbox = lock_mailboxes([mailbox_id])[mailbox_id]
    allowed = changeable_flags(require_on(mailbox, acting_id, "i"))
    return [
        replace(
            message,
            flags=message.flags & allowed,
            keywords=message.keywords if allowed & Flag.FLAGGED else (),
        )
        for message in contents
    ]


def _uid_validity(account_id: int, mailbox_id: int) -> int:
    row = one(UID_VALIDITY, (mailbox_id, account_id))
    if row is None:
        raise MailboxNotFound(str(mailbox_id))
    uid_validity: int = row[0]
    return uid_validity
