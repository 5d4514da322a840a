"""What POP3 does to INBOX: exclusive access by a lease (RFC 1939 section 4), and the UPDATE state (section 6).

A lease is a row that names its holder and ends by Postgres' clock, which is the same for all hosts: a session whose
process died is waited for no longer than that. IMAP does not look at leases.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import MaildropInUse
from mailboxes.models import Mailbox
from mailboxes.store.copy_and_move import move_messages
from mailboxes.store.expunge import expunge
from mailboxes.store.hierarchy import create_mailbox
from mailboxes.store.locks import lock_usage, one
from mailhost.net.database import cursor

TAKE = """
INSERT INTO mailboxes_maildroplease AS lease (account_id, holder, expires_at)
VALUES (%(account)s, %(holder)s, clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (account_id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
 WHERE lease.expires_at <= clock_timestamp() OR lease.holder = excluded.holder
RETURNING account_id
"""
RENEW = """
UPDATE mailboxes_maildroplease lease SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
  FROM unnest(%(accounts)s::bigint[], %(holders)s::text[]) AS held (account_id, holder)
 WHERE lease.account_id = held.account_id AND lease.holder = held.holder
"""
ARCHIVE, ARCHIVE_USE = "Archive", "\\Archive"


@contextmanager
def _unsynced() -> Iterator[None]:
    """A transaction that does not wait for the disk: a crash of Postgres may free a maildrop, and that is all."""
    with transaction.atomic(), cursor() as sql:
        sql.execute("SET LOCAL synchronous_commit TO off")
        yield


def take_lease(*, account_id: int, holder: str, seconds: float) -> None:
    """The account's maildrop is the holder's for so long, unless renewed. Raises MaildropInUse."""
    with _unsynced():
        _take(account_id, holder, seconds)


def _take(account_id: int, holder: str, seconds: float) -> None:
    with cursor() as sql:
        sql.execute(TAKE, {"account": account_id, "holder": holder, "seconds": float(seconds)})
        if sql.fetchone() is None:
            raise MaildropInUse


def renew_leases(*, holders: Mapping[int, str], seconds: float) -> None:
    """Those of these leases (holder by account) that nobody has taken over last for so long from now."""
    with _unsynced(), cursor() as sql:
        parameters = {"accounts": list(holders), "holders": list(holders.values()), "seconds": float(seconds)}
        sql.execute(RENEW, parameters)


def free_lease(*, account_id: int, holder: str) -> None:
    """The next session may begin at once. Does nothing where somebody else has the lease."""
    with _unsynced():
        _free(account_id, holder)


def _free(account_id: int, holder: str) -> None:
    with cursor() as sql:
        sql.execute(
            "DELETE FROM mailboxes_maildroplease WHERE account_id = %s AND holder = %s", (account_id, holder)
        )


@transaction.atomic
def update_maildrop(
    *, account_id: int, mailbox_id: int, holder: str, uids: Sequence[int], keeps_copy: bool, now: datetime
) -> None:
    """Expunges these messages, or with keeps_copy moves them to Archive, and frees the lease.

    What is gone already is no failure. Raises MaildropInUse where the lease ran out and another session has it now,
    MailboxNotFound, TooManyMailboxes.
    """
    _take(account_id, holder, 0)  # held until the end of this transaction
    if keeps_copy:
        target = archive_mailbox(account_id=account_id, now=now)
        move_messages(account_id=account_id, mailbox_id=mailbox_id, uids=uids, to_mailbox_id=target, now=now)
    else:
        expunge(mailbox_id=mailbox_id, uids=uids, now=now, only_deleted=False)
    _free(account_id, holder)


def archive_mailbox(*, account_id: int, now: datetime) -> int:
    """The mailbox for what is kept for long (RFC 6154), by its use or else by its name; made where it is missing."""
    lock_usage([account_id])  # names are given under it: two sessions make one mailbox
    living = Mailbox.objects.filter(account_id=account_id, deleted_at=None)
    by_use = living.filter(special_use=ARCHIVE_USE).values_list("pk", flat=True).first()
    found = by_use or living.filter(name=ARCHIVE).values_list("pk", flat=True).first()
    if found is not None:
        return found
    made = create_mailbox(account_id=account_id, name=ARCHIVE, special_use=ARCHIVE_USE, now=now)
    return made.mailbox_id


def maildrop_holder(*, account_id: int) -> str | None:
    """Who has the maildrop now."""
    row = one(
        "SELECT holder FROM mailboxes_maildroplease WHERE account_id = %s AND expires_at > clock_timestamp()",
        (account_id,),
    )
    return row[0] if row else None
