"""A content that is stored already, shown in one more mailbox: by reference, as COPY does it."""

from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import MailboxNotFound
from mailboxes.store.completing import complete_content
from mailboxes.store.locks import announce_on_commit, change_usage, lock_mailboxes, lock_usage
from mailboxes.store.values import NO_FLAGS, Flag
from mailhost.net.database import cursor

INSERT = """
WITH placed AS (
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, saved_at, keywords,
                                   content_id)
    SELECT %(mailbox)s, %(uid)s, %(modseq)s, %(flags)s, size_octets, %(internal_date)s, %(now)s, '{}', id
      FROM mailboxes_content WHERE id = %(content)s
    RETURNING size_octets
)
UPDATE mailboxes_mailbox
   SET uid_next = uid_next + 1, highest_modseq = %(modseq)s, message_count = message_count + 1,
       unseen_count = unseen_count + %(unseen)s, size_octets = mailboxes_mailbox.size_octets + placed.size_octets
  FROM placed WHERE id = %(mailbox)s
RETURNING placed.size_octets
"""


@transaction.atomic
def place_content(
    *,
    account_id: int,
    mailbox_id: int,
    content_id: int,
    flags: Flag = NO_FLAGS,
    internal_date: datetime,
    now: datetime,
) -> int | None:
    """The UID that it has there; None where there is no such content. Raises MailboxNotFound, QuotaExceeded."""
    usage = lock_usage([account_id])[account_id]
    mailbox = lock_mailboxes([mailbox_id])[mailbox_id]
    if mailbox.account_id != account_id:
        raise MailboxNotFound(str(mailbox_id))
    parameters = {
        "mailbox": mailbox_id,
        "uid": mailbox.uid_next,
        "modseq": mailbox.highest_modseq + 1,
        "flags": int(flags),
        "unseen": int(not flags & Flag.SEEN),
        "content": content_id,
        "internal_date": internal_date,
        "now": now,
    }
    complete_content(content_id)
    with cursor() as sql:
        row = sql.execute(INSERT.encode(), parameters).fetchone()
    if row is None:
        return None
    change_usage(usage, messages=1, octets=row[0])
    announce_on_commit([mailbox_id])
    return mailbox.uid_next
