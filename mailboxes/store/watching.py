"""What sessions that watch an account ask (RFC 5465): some of its mailboxes, and a number that tells of changes.

Notices are sent by `announce_names_on_commit` and `announce_on_commit`; who hears one compares with what it knew.
"""

from collections.abc import Collection, Sequence

from django.conf import settings

from mailboxes.store.hierarchy import ENTRY_COLUMNS
from mailboxes.store.rights import SEEN_BY_READER, seen
from mailboxes.store.values import MailboxEntry
from mailhost.net.database import cursor

OWN = f"""
SELECT {ENTRY_COLUMNS} FROM mailboxes_mailbox WHERE id = ANY(%s) AND account_id = %s AND deleted_at IS NULL
"""
OTHERS = f"""
SELECT {SEEN_BY_READER}, {ENTRY_COLUMNS}
  FROM mailboxes_mailbox
 WHERE id = ANY(%s) AND account_id <> %s AND deleted_at IS NULL
"""
# Sums of hashes: whatever LIST tells of an account's own names, of what others share with it, and its metadata.
MARKS = """
SELECT account_id, hashtextextended(concat_ws(' ', id, is_subscribed, deleted_at IS NULL, special_use, name), 0)
  FROM mailboxes_mailbox WHERE account_id = ANY(%(accounts)s::bigint[])
UNION ALL
SELECT given.account_id, hashtextextended(concat_ws(' ', given.id, given.rights, mailbox.name), 1)
  FROM mailboxes_grant given JOIN mailboxes_mailbox mailbox ON mailbox.id = given.mailbox_id
 WHERE given.account_id = ANY(%(accounts)s::bigint[]) OR given.account_id IS NULL
UNION ALL
SELECT account_id, hashtextextended(mailbox_id::text, 2)
  FROM mailboxes_subscription WHERE account_id = ANY(%(accounts)s::bigint[])
UNION ALL
SELECT coalesce(annotation.account_id, mailbox.account_id),
       hashtextextended(concat_ws(' ', annotation.id, annotation.entry, md5(annotation.value)), 3)
  FROM mailboxes_annotation annotation LEFT JOIN mailboxes_mailbox mailbox ON mailbox.id = annotation.mailbox_id
 WHERE annotation.account_id = ANY(%(accounts)s::bigint[])
    OR (annotation.account_id IS NULL
        AND (annotation.mailbox_id IS NULL OR mailbox.account_id = ANY(%(accounts)s::bigint[])))
"""
SUMS = f"SELECT account_id, sum(mark)::text FROM ({MARKS}) marked(account_id, mark) GROUP BY account_id"


def find_watched(*, account_id: int, mailbox_ids: Collection[int]) -> list[MailboxEntry]:
    """Those of these mailboxes that exist and that the account may see, as LIST would find them."""
    ids = list(mailbox_ids)
    with cursor() as sql:
        sql.execute(OWN, (ids, account_id))
        entries = [MailboxEntry(*row) for row in sql]
        if len(entries) < len(ids):
            sql.execute(OTHERS, (account_id, settings.SHARE_WITH_ANYONE, account_id, ids, account_id))
            entries += [entry for entry in map(seen, sql) if "l" in entry.rights]
    return entries


def account_marks(account_ids: Sequence[int]) -> dict[int, int]:
    """A number for each account that is another one after any change that `announce_names_on_commit` tells of."""
    with cursor() as sql:
        sql.execute(SUMS, {"accounts": list(account_ids)})
        marks = {account_id: int(mark) for account_id, mark in sql}
    everybodys = marks.pop(None, 0)
    return {account_id: marks.get(account_id, 0) + everybodys for account_id in account_ids}
