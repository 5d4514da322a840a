"""What a mailbox's row does not count, of many mailboxes at once (RFC 3501 section 2.3.2, RFC 9208 section 4.1.4)."""

from collections.abc import Iterable

from mailboxes.store.values import MailboxEntry
from mailhost.net.database import cursor

RECENT = """
SELECT message.mailbox_id, count(*)
  FROM unnest(%s::bigint[], %s::bigint[]) since(mailbox_id, uid)
  JOIN mailboxes_message message ON message.mailbox_id = since.mailbox_id AND message.uid >= since.uid
 GROUP BY message.mailbox_id
"""
DELETED_OCTETS = """
SELECT mailbox_id, sum(size_octets)::bigint FROM mailboxes_message
 WHERE mailbox_id = ANY(%s::bigint[]) AND flags & 8 <> 0
 GROUP BY mailbox_id
"""


def recent_counts(entries: Iterable[MailboxEntry]) -> dict[int, int]:
    """How many messages no session has been told of, by mailbox id; those without any are left out."""
    asked = [(each.mailbox_id, each.first_recent_uid) for each in entries if _may_have_recent(each)]
    if not asked:
        return {}
    mailbox_ids, uids = zip(*asked, strict=True)
    with cursor() as sql:
        return dict(sql.execute(RECENT, (list(mailbox_ids), list(uids))).fetchall())


def _may_have_recent(entry: MailboxEntry) -> bool:
    return entry.first_recent_uid < entry.uid_next and entry.message_count > 0


def deleted_octets(entries: Iterable[MailboxEntry]) -> dict[int, int]:
    """How much EXPUNGE would free, by mailbox id; those where it is nothing are left out."""
    asked = [each.mailbox_id for each in entries if each.deleted_count]
    if not asked:
        return {}
    with cursor() as sql:
        return dict(sql.execute(DELETED_OCTETS, (asked,)).fetchall())
