"""Removing messages for good (RFC 9051 sections 6.4.3 and 6.4.9): they go to the journal, from which their owner
can take them back and sessions learn of them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mailboxes.store.grants import require_on
from mailboxes.store.locks import (
    LockedMailbox,
    LockedUsage,
    account_of,
    announce_on_commit,
    change_usage,
    lock_mailboxes,
    lock_usage,
)
from mailboxes.store.uid_conditions import uids_among
from mailboxes.store.values import ExpungeOutcome, Flag
from mailhost.net.database import cursor

EXPUNGE = """
WITH gone AS (
    DELETE FROM mailboxes_message
     WHERE mailbox_id = %(mailbox)s AND {which}
       AND (flags & %(mask)s) = %(mask)s
    RETURNING mailbox_id, uid, flags, size_octets, internal_date, saved_at, keywords, content_id
), journal AS (
    INSERT INTO mailboxes_expunged (mailbox_id, uid, modseq, flags, size_octets, internal_date, saved_at, keywords,
                                    content_id, expunged_at)
    SELECT mailbox_id, uid, %(modseq)s, flags, size_octets, internal_date, saved_at, keywords, content_id, %(now)s
      FROM gone
)
SELECT coalesce(array_agg(uid ORDER BY uid), ARRAY[]::bigint[]), coalesce(sum(size_octets), 0)::bigint,
       count(*) FILTER (WHERE flags & 1 = 0), count(*) FILTER (WHERE flags & 8 <> 0)
  FROM gone
"""
SHRINK = """
UPDATE mailboxes_mailbox
   SET highest_modseq = %s, flags_modseq = %s, message_count = message_count - %s, size_octets = size_octets - %s,
       unseen_count = unseen_count - %s, deleted_count = deleted_count - %s
 WHERE id = %s
"""


@transaction.atomic
def expunge(
    *,
    mailbox_id: int,
    uids: Sequence[int] | None = None,
    now: datetime,
    only_deleted: bool = True,
    acting_id: int | None = None,
) -> ExpungeOutcome:
    """Expunges the messages flagged \\Deleted, of these UIDs or of all; without only_deleted whatever their flags.

    Raises MailboxNotFound; NotPermitted where another account than the owner acts without the right to.
    """
    usage = lock_usage([account := account_of(mailbox_id)])[account]
    mailbox = lock_mailboxes([mailbox_id])[mailbox_id]
    require_on(mailbox, acting_id, "e")
    return remove(mailbox, usage, uids=uids, mask=Flag.DELETED if only_deleted else Flag(0), now=now)


def empty(mailbox: LockedMailbox, usage: LockedUsage, *, now: datetime) -> ExpungeOutcome:
    """Expunges all messages of a locked mailbox."""
    return remove(mailbox, usage, uids=None, mask=Flag(0), now=now)


def remove(
    mailbox: LockedMailbox, usage: LockedUsage, *, uids: Sequence[int] | None, mask: Flag, now: datetime
) -> ExpungeOutcome:
    """Expunges what has all flags of the mask, under locks that the caller holds."""
    modseq = mailbox.highest_modseq + 1
    which, parameters = uids_among(uids)
    parameters |= {
        "mailbox": mailbox.mailbox_id,
        "mask": int(mask),
        "modseq": modseq,
        "now": now,
    }
    with cursor() as sql:
        sql.execute(EXPUNGE.format(which=which).encode(), parameters)
        gone, octets, unseen, deleted = sql.fetchone() or ([], 0, 0, 0)
        if not gone:
            return ExpungeOutcome([], mailbox.highest_modseq)
        sql.execute(SHRINK, (modseq, modseq, len(gone), octets, unseen, deleted, mailbox.mailbox_id))
    change_usage(usage, messages=-len(gone), octets=-octets)
    mailbox.highest_modseq = modseq
    announce_on_commit([mailbox.mailbox_id])
    return ExpungeOutcome(gone, modseq)
