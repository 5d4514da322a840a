"""The mailbox Outbox: what its owner has sent and that has not left stands there, for every client to see.

Nothing here knows of a queue. Whoever lets a message go looks, under the locks of the Outbox, whether it still stands
there: what was moved out, expunged or flagged \\Deleted by any door does not. RFC 6154 has no special use for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailboxes.exceptions import AccountNotFound, MailboxExists, TooManyMailboxes
from mailboxes.models import Mailbox
from mailboxes.store.hierarchy import create_mailbox, set_subscribed
from mailboxes.store.locks import LOCK_MAILBOXES, announce_on_commit
from mailboxes.store.values import Flag
from mailhost.net.database import cursor

OUTBOX: Final = "Outbox"

SENT = """
SELECT DISTINCT ON (account_id) account_id, id FROM mailboxes_mailbox
 WHERE account_id = ANY(%s::bigint[]) AND deleted_at IS NULL AND (special_use = '\\Sent' OR name = 'Sent')
 ORDER BY account_id, special_use <> '\\Sent', id
"""
STANDING = f"""
SELECT message.mailbox_id, message.uid
  FROM unnest(%s::bigint[], %s::bigint[]) place(mailbox_id, uid)
  JOIN mailboxes_message message USING (mailbox_id, uid)
 WHERE message.flags & {int(Flag.DELETED)} = 0
"""
# MOVE and EXPUNGE of many mailboxes at once (see copy_and_move.py, expunge.py): one round trip for all that leaves.
LEAVE = """
WITH gone AS (
    DELETE FROM mailboxes_message message
     USING unnest(%(mailboxes)s::bigint[], %(uids)s::bigint[], %(targets)s::bigint[], %(contents)s::bigint[])
           place(mailbox_id, uid, target_id, sent_id)
     WHERE message.mailbox_id = place.mailbox_id AND message.uid = place.uid
    RETURNING message.*, place.target_id, place.sent_id
), arriving AS (
    SELECT gone.*, content.size_octets AS sent_octets
      FROM gone JOIN mailboxes_content content ON content.id = gone.sent_id
     WHERE target_id IS NOT NULL
), placed AS (
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, saved_at, keywords,
                                   content_id)
    SELECT target_id,
           target.uid_next + row_number() OVER (PARTITION BY target_id ORDER BY arriving.mailbox_id, uid) - 1,
           target.highest_modseq + 1, flags, sent_octets, internal_date, %(now)s, keywords, sent_id
      FROM arriving JOIN mailboxes_mailbox target ON target.id = arriving.target_id
), journal AS (
    INSERT INTO mailboxes_expunged (mailbox_id, uid, modseq, flags, size_octets, internal_date, saved_at, keywords,
                                    content_id, expunged_at)
    SELECT mailbox_id, uid, source.highest_modseq + 1, gone.flags, gone.size_octets, internal_date, saved_at, keywords,
           content_id, %(now)s
      FROM gone JOIN mailboxes_mailbox source ON source.id = gone.mailbox_id
), difference AS (
    SELECT mailbox_id AS id, true AS is_source, -count(*) AS messages, -sum(size_octets) AS octets,
           -count(*) FILTER (WHERE flags & 1 = 0) AS unseen, -count(*) FILTER (WHERE flags & 8 <> 0) AS deleted
      FROM gone GROUP BY mailbox_id
     UNION ALL
    SELECT target_id, false, count(*), sum(sent_octets), count(*) FILTER (WHERE flags & 1 = 0),
           count(*) FILTER (WHERE flags & 8 <> 0)
      FROM arriving GROUP BY target_id
), counted AS (
    UPDATE mailboxes_mailbox mailbox
       SET highest_modseq = highest_modseq + 1,
           uid_next = uid_next + CASE WHEN is_source THEN 0 ELSE messages END,
           flags_modseq = CASE WHEN is_source THEN highest_modseq + 1 ELSE flags_modseq END,
           message_count = message_count + messages, size_octets = mailbox.size_octets + octets,
           unseen_count = unseen_count + unseen, deleted_count = deleted_count + deleted
      FROM difference WHERE mailbox.id = difference.id
)
UPDATE mailboxes_accountusage usage
   SET octets = usage.octets - lost.octets, messages = usage.messages - lost.messages
  FROM (SELECT account_id, sum(gone.size_octets - coalesce(sent_octets, 0)) AS octets,
               count(*) FILTER (WHERE sent_octets IS NULL) AS messages
          FROM gone LEFT JOIN arriving USING (mailbox_id, uid)
                    JOIN mailboxes_mailbox mailbox ON mailbox.id = gone.mailbox_id
         GROUP BY account_id) lost
 WHERE usage.account_id = lost.account_id
"""

Place = tuple[int, int]
"""A mailbox's id and a UID in it: names one message for ever."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that goes from its place into the mailbox `target_id`, or, where that is None, for good.

    content_id: what stands there then. In the Outbox it may say more (Bcc).
    """

    place: Place
    target_id: int | None
    content_id: int


def outboxes_of(account_ids: Collection[int], *, now: datetime) -> dict[int, int]:
    """The ids of these accounts' Outboxes, made and subscribed where there is none, in the caller's transaction.

    To be called before any other lock is taken. An account that is gone, or that has as many mailboxes as it may, has
    none.
    """
    if not account_ids:
        return {}
    found = _outboxes(account_ids)
    for account_id in sorted(set(account_ids) - set(found)):
        try:
            found[account_id] = create_mailbox(account_id=account_id, name=OUTBOX, now=now).mailbox_id
            set_subscribed(account_id=account_id, name=OUTBOX, is_subscribed=True)
        except MailboxExists:  # made in this very moment
            found |= _outboxes([account_id])
        except (AccountNotFound, TooManyMailboxes):
            continue
    return found


def _outboxes(account_ids: Collection[int]) -> dict[int, int]:
    living = Mailbox.objects.filter(account_id__in=account_ids, name=OUTBOX, deleted_at=None)
    return dict(living.values_list("account_id", "pk"))


def sent_mailboxes(account_ids: Collection[int]) -> dict[int, int]:
    """As hierarchy.sent_mailbox, for many accounts: ids by account."""
    with cursor() as sql:
        return dict(sql.execute(SENT.encode(), (list(account_ids),)).fetchall())


def lock_living(mailbox_ids: Collection[int]) -> set[int]:
    """Locks those of the mailboxes that are there; their ids. After the usage rows of their accounts (locks.py)."""
    with cursor() as sql:
        return {row[0] for row in sql.execute(LOCK_MAILBOXES.encode(), (sorted(mailbox_ids),))}


def standing(places: Collection[Place]) -> set[Place]:
    """Those of the places that still have their message, and not flagged \\Deleted."""
    if not places:
        return set()
    with cursor() as sql:
        columns = tuple(list(column) for column in zip(*places, strict=True))
        return set(sql.execute(STANDING.encode(), columns).fetchall())


def let_leave(leaving: Collection[Leaving], *, now: datetime) -> None:
    """Moves or expunges the messages, in the transaction of a caller who holds the usage rows of the accounts and all
    mailboxes that are named. No target is the mailbox that its message is in, nor another account's.
    """
    if not leaving:
        return
    parameters = {
        "mailboxes": [each.place[0] for each in leaving],
        "uids": [each.place[1] for each in leaving],
        "targets": [each.target_id for each in leaving],
        "contents": [each.content_id for each in leaving],
        "now": now,
    }
    with cursor() as sql:
        sql.execute(LEAVE.encode(), parameters)
    changed = {each.place[0] for each in leaving}
    announce_on_commit(changed | {each.target_id for each in leaving if each.target_id is not None})
