"""What happened in a mailbox since a moment that somebody remembers (RFC 7162 section 3)."""

from collections.abc import Sequence

from django.conf import settings

from mailboxes.store.grants import RIGHTS, in_order
from mailboxes.store.values import ALL_RIGHTS, ChangedRows, Changes
from mailhost.net.database import cursor, snapshot

ROW = """
SELECT highest_modseq, uid_next, flags_modseq, deleted_at IS NOT NULL FROM mailboxes_mailbox WHERE id = %s
"""
ROW_AND_RIGHTS = f"""
SELECT highest_modseq, uid_next, flags_modseq, deleted_at IS NOT NULL, {RIGHTS} FROM mailboxes_mailbox WHERE id = %s
"""
ARRIVED = """
SELECT uid, modseq, flags, nullif(keywords, '{}') FROM mailboxes_message
 WHERE mailbox_id = %s AND uid >= %s ORDER BY uid
"""
# No index on modseq: it would cost every STORE three times as much, and the scan takes 1.2 ms for 10,000 messages.
CHANGED = """
SELECT uid, modseq, flags, nullif(keywords, '{}') FROM mailboxes_message
 WHERE mailbox_id = %s AND (modseq > %s OR uid >= %s) ORDER BY uid
"""
VANISHED = """
SELECT uid FROM mailboxes_expunged WHERE mailbox_id = %s AND modseq > %s AND uid < %s ORDER BY uid
"""
# Neighbours as one range: what vanished together mostly lies together.
VANISHED_RANGES = """
SELECT min(uid), max(uid)
  FROM (SELECT uid, uid - row_number() OVER (ORDER BY uid) AS run FROM mailboxes_expunged
         WHERE mailbox_id = %s AND modseq > %s AND modseq <= %s) gone
 GROUP BY run ORDER BY 1
"""
FIRST_KEPT = "SELECT min(modseq) FROM mailboxes_expunged WHERE mailbox_id = %s"


def changes_since(*, mailbox_id: int, modseq: int, uid_next: int, visitor_id: int | None = None) -> Changes:
    """What is new to somebody who knows the mailbox up to `modseq` and `uid_next`.

    Messages that came and went in between are not told. A mailbox that is gone is told as is_deleted, and so is one
    that the visitor, an account that does not own it, may no longer read.
    """
    with snapshot(), cursor() as sql:
        if visitor_id is None:
            row = sql.execute(ROW, (mailbox_id,)).fetchone()
        else:
            anyone = settings.SHARE_WITH_ANYONE
            row = sql.execute(ROW_AND_RIGHTS, (visitor_id, anyone, mailbox_id)).fetchone()
        rights = in_order(row[4]) if row is not None and visitor_id is not None else ALL_RIGHTS
        if row is None or row[3] or "r" not in rights:
            return Changes(modseq, uid_next, is_deleted=True)
        highest_modseq, now_uid_next, flags_modseq = row[:3]
        if highest_modseq <= modseq:
            return Changes(highest_modseq, now_uid_next, rights=rights)
        if flags_modseq <= modseq:  # arrivals alone
            rows = sql.execute(ARRIVED, (mailbox_id, uid_next)).fetchall()
            vanished = []
        else:
            rows = sql.execute(CHANGED, (mailbox_id, modseq, uid_next)).fetchall()
            vanished = [uid for (uid,) in sql.execute(VANISHED, (mailbox_id, modseq, uid_next))]
    return Changes(highest_modseq, now_uid_next, ChangedRows.of(rows), vanished, rights=rights)


def vanished_between(*, mailbox_id: int, modseq: int, up_to: int) -> list[tuple[int, int]] | None:
    """UIDs that vanished after `modseq` and not after `up_to`, as ranges with both ends; None: not known any more.

    The journal ends somewhere, and loses its oldest rows first (content.remove_expired). Where it does not reach
    back to `modseq`, all UIDs that are not there may have vanished since (RFC 7162 section 3.2.5.1).
    """
    with snapshot(), cursor() as sql:
        row = sql.execute(ROW, (mailbox_id,)).fetchone()
        if row is None or row[2] <= modseq:  # nothing but arrivals since
            return []
        (first_kept,) = sql.execute(FIRST_KEPT, (mailbox_id,)).fetchone() or (None,)
        if first_kept is None or modseq < first_kept - 1:
            return None
        return sql.execute(VANISHED_RANGES, (mailbox_id, modseq, up_to)).fetchall()


def highest_modseqs(mailbox_ids: Sequence[int]) -> dict[int, int]:
    """HIGHESTMODSEQ of each of these mailboxes that exists, in one statement."""
    with cursor() as sql:
        sql.execute(
            "SELECT id, highest_modseq FROM mailboxes_mailbox WHERE id = ANY(%s)", (list(mailbox_ids),)
        )
        return dict(sql.fetchall())
