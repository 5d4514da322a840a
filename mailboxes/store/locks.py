"""The order of locks that keeps writers from deadlocks: usage rows by account, then mailboxes by id.

FOR NO KEY UPDATE, because plain FOR UPDATE blocks the insertion of rows that refer to the locked one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from mailboxes.exceptions import AccountNotFound, MailboxNotFound, QuotaExceeded
from mailhost.net.announcements import EVERYBODY, announce, announce_account
from mailhost.net.database import cursor

LOCK_USAGE = """
SELECT usage.account_id, usage.octets, account.quota_octets, usage.messages, account.quota_messages
  FROM mailboxes_accountusage usage JOIN mailboxes_account account ON account.id = usage.account_id
 WHERE usage.account_id = ANY(%s)
 ORDER BY usage.account_id
   FOR NO KEY UPDATE OF usage
"""
LOCK_MAILBOXES = """
SELECT id, account_id, name, uid_validity, uid_next, highest_modseq, special_use
  FROM mailboxes_mailbox
 WHERE id = ANY(%s) AND deleted_at IS NULL
 ORDER BY id
   FOR NO KEY UPDATE
"""

READERS = "SELECT DISTINCT account_id FROM mailboxes_grant WHERE mailbox_id = ANY(%s)"


@dataclass(slots=True)
class LockedUsage:
    """What an account's messages take now, and may take (0: no limit)."""

    account_id: int
    octets: int
    quota_octets: int
    messages: int
    quota_messages: int

    def room_for(self, *, messages: int, octets: int) -> bool:
        """Whether so many messages with so many octets more are within the quotas."""
        return (not self.quota_octets or self.octets + octets <= self.quota_octets) and (
            not self.quota_messages or self.messages + messages <= self.quota_messages
        )


@dataclass(slots=True)
class LockedMailbox:
    """A mailbox's row while this transaction has it; uid_next and highest_modseq are counted on here."""

    mailbox_id: int
    account_id: int
    name: str
    uid_validity: int
    uid_next: int
    highest_modseq: int
    special_use: str


def lock_usage(account_ids: Collection[int]) -> dict[int, LockedUsage]:
    """Locks the usage rows of these accounts, by account id. Raises AccountNotFound if one of them is gone."""
    with cursor() as sql:
        sql.execute(LOCK_USAGE, (list(account_ids),))
        locked = {row[0]: LockedUsage(*row) for row in sql}
    for account_id in account_ids:
        if account_id not in locked:
            raise AccountNotFound(str(account_id))
    return locked


def lock_mailboxes(mailbox_ids: Collection[int]) -> dict[int, LockedMailbox]:
    """Locks these mailboxes, by id. Raises MailboxNotFound if one of them is gone."""
    with cursor() as sql:
        sql.execute(LOCK_MAILBOXES, (list(mailbox_ids),))
        locked = {row[0]: LockedMailbox(*row) for row in sql}
    for mailbox_id in mailbox_ids:
        if mailbox_id not in locked:
            raise MailboxNotFound(str(mailbox_id))
    return locked


def account_of(mailbox_id: int) -> int:
    """Whose mailbox this is; that never changes. Raises MailboxNotFound."""
    row = one("SELECT account_id FROM mailboxes_mailbox WHERE id = %s AND deleted_at IS NULL", (mailbox_id,))
    if row is None:
        raise MailboxNotFound(str(mailbox_id))
    account_id: int = row[0]
    return account_id


def one(statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The first row that the statement gives."""
    with cursor() as sql:
        row: tuple[Any, ...] | None = sql.execute(statement.encode(), parameters).fetchone()
        return row


def change_usage(usage: LockedUsage, *, messages: int, octets: int) -> None:
    """Adds to a locked usage row. Raises QuotaExceeded where messages are added beyond a quota."""
    if messages > 0 and not usage.room_for(messages=messages, octets=octets):
        raise QuotaExceeded([usage.account_id])
    with cursor() as sql:
        sql.execute(
            "UPDATE mailboxes_accountusage SET octets = octets + %s, messages = messages + %s WHERE account_id = %s",
            (octets, messages, usage.account_id),
        )


def announce_on_commit(mailbox_ids: Iterable[int]) -> None:
    """Tells sessions that watch these mailboxes, once what changed can be seen."""
    ids = tuple(mailbox_ids)
    transaction.on_commit(lambda: announce(ids))


def announce_names_on_commit(owner_id: int, mailbox_ids: Iterable[int] = ()) -> None:
    """Tells sessions that watch which mailboxes there are: the owner's, and of those who have rights on them now.

    For whatever LIST or GETMETADATA would tell otherwise than before.
    """
    with cursor() as sql:
        ids = {EVERYBODY if row[0] is None else row[0] for row in sql.execute(READERS, (list(mailbox_ids),))}
    transaction.on_commit(lambda: announce_account({owner_id, *ids}))
