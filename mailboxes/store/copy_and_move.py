"""COPY (RFC 9051 section 6.4.7) and MOVE (section 6.4.8): rows by reference, the content stays where it is."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import MailboxNotFound
from mailboxes.store.grants import changeable_flags, require_on
from mailboxes.store.lessons import note_moved
from mailboxes.store.locks import (
    LockedMailbox,
    LockedUsage,
    announce_on_commit,
    change_usage,
    lock_mailboxes,
    lock_usage,
)
from mailboxes.store.uid_conditions import uids_among
from mailboxes.store.values import ALL_RIGHTS, Copied, Flag, Moved
from mailhost.net.database import cursor

# What left the one mailbox, and what came into the other: flags that one may not set there stay behind (RFC 4314
# section 4).
TOTALS = """
SELECT coalesce(array_agg(uid ORDER BY uid), ARRAY[]::bigint[]), coalesce(sum(size_octets), 0)::bigint,
       count(*) FILTER (WHERE flags & 1 = 0), count(*) FILTER (WHERE flags & 8 <> 0),
       count(*) FILTER (WHERE flags & %(kept_flags)s & 1 = 0), count(*) FILTER (WHERE flags & %(kept_flags)s & 8 <> 0)
"""
INSERT_COPIES = """
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, saved_at, keywords,
                                   content_id)
    SELECT %(to)s, %(uid_next)s + row_number() OVER (ORDER BY uid) - 1, %(to_modseq)s,
           flags & %(kept_flags)s, size_octets, internal_date, %(now)s,
           CASE WHEN %(keeps_keywords)s THEN keywords ELSE ARRAY[]::text[] END, content_id
      FROM source
"""
# In both {which} is the condition on `uid`.
COPY = f"""
WITH source AS (
    SELECT uid, flags, size_octets, internal_date, keywords, content_id
      FROM mailboxes_message WHERE mailbox_id = %(from)s AND {{which}}
), copied AS ({INSERT_COPIES})
{TOTALS} FROM source
"""
MOVE = f"""
WITH source AS (
    DELETE FROM mailboxes_message
     WHERE mailbox_id = %(from)s AND {{which}}
    RETURNING uid, flags, size_octets, internal_date, saved_at, keywords, content_id
), moved AS ({INSERT_COPIES}), journal AS (
    INSERT INTO mailboxes_expunged (mailbox_id, uid, modseq, flags, size_octets, internal_date, saved_at, keywords,
                                    content_id, expunged_at)
    SELECT %(from)s, uid, %(from_modseq)s, flags, size_octets, internal_date, saved_at, keywords, content_id, %(now)s
      FROM source
)
{TOTALS} FROM source
"""
CHANGE_COUNTS = """
UPDATE mailboxes_mailbox
   SET highest_modseq = %(modseq)s, uid_next = uid_next + greatest(%(messages)s, 0),
       flags_modseq = CASE WHEN %(messages)s < 0 THEN %(modseq)s ELSE flags_modseq END,
       message_count = message_count + %(messages)s, size_octets = size_octets + %(octets)s,
       unseen_count = unseen_count + %(unseen)s, deleted_count = deleted_count + %(deleted)s
 WHERE id = %(mailbox)s
"""

NOTHING: tuple[list[int], int, int, int, int, int] = ([], 0, 0, 0, 0, 0)


@transaction.atomic
def copy_messages(
    *,
    account_id: int,
    mailbox_id: int,
    uids: Sequence[int],
    to_mailbox_id: int,
    owner_id: int | None = None,
    to_owner_id: int | None = None,
    now: datetime,
) -> Copied:
    """Copies what is still there of these messages, in UID order, with their dates and the flags that it may set.

    The account acts; the owners of the two mailboxes are to be named where they are others.
    Raises MailboxNotFound, NotPermitted, QuotaExceeded (of the target's owner).
    """
    owner_id, to_owner_id = owner_id or account_id, to_owner_id or account_id
    usage = lock_usage([to_owner_id])[to_owner_id]
    source, target = _lock(mailbox_id, owner_id, to_mailbox_id, to_owner_id)
    require_on(source, account_id, "r")
    allowed = changeable_flags(require_on(target, account_id, "i"))
    which, parameters = uids_among(uids)
    parameters |= {
        "from": source.mailbox_id,
        "to": target.mailbox_id,
        "uid_next": target.uid_next,
        "to_modseq": target.highest_modseq + 1,
        "now": now,
        **_kept(allowed),
    }
    with cursor() as sql:
        sql.execute(COPY.format(which=which).encode(), parameters)
        source_uids, octets, _, _, unseen, deleted = sql.fetchone() or NOTHING
    if source_uids:
        change_usage(usage, messages=len(source_uids), octets=octets)
        target.highest_modseq += 1
        _change_counts(target, messages=len(source_uids), octets=octets, unseen=unseen, deleted=deleted)
        announce_on_commit([target.mailbox_id])
    new_uids = list(range(target.uid_next, target.uid_next + len(source_uids)))
    note_moved(source, target, new_uids, now=now)
    return Copied(target.uid_validity, source_uids, new_uids)


@transaction.atomic
def move_messages(
    *,
    account_id: int,
    mailbox_id: int,
    uids: Sequence[int],
    to_mailbox_id: int,
    owner_id: int | None = None,
    to_owner_id: int | None = None,
    now: datetime,
) -> Moved:
    """Moves what is still there of these messages, in UID order, with their dates and the flags that it may set.

    The account acts; the owners of the two mailboxes are to be named where they are others.
    Raises MailboxNotFound, NotPermitted, QuotaExceeded (of another owner's target).
    """
    owner_id, to_owner_id = owner_id or account_id, to_owner_id or account_id
    usages = lock_usage({owner_id, to_owner_id})
    source, target = _lock(mailbox_id, owner_id, to_mailbox_id, to_owner_id)
    require_on(source, account_id, "rte")  # RFC 6851 section 4.2: those of STORE, COPY and EXPUNGE together
    allowed = changeable_flags(require_on(target, account_id, "i"))
    moved, octets = _move(source, target, uids, now, allowed)
    note_moved(source, target, moved.uids, now=now)
    if owner_id != to_owner_id and moved.uids:
        change_usage(usages[owner_id], messages=-len(moved.uids), octets=-octets)
        change_usage(usages[to_owner_id], messages=len(moved.uids), octets=octets)
    return moved


def move_all(*, from_mailbox_id: int, to_mailbox_id: int, usage: LockedUsage, now: datetime) -> Moved:
    """Moves every message, in the transaction of a caller who holds the usage lock."""
    locked = lock_mailboxes([from_mailbox_id, to_mailbox_id])
    return _move(locked[from_mailbox_id], locked[to_mailbox_id], None, now, changeable_flags(ALL_RIGHTS))[0]


def _lock(
    mailbox_id: int, owner_id: int, to_mailbox_id: int, to_owner_id: int
) -> tuple[LockedMailbox, LockedMailbox]:
    locked = lock_mailboxes({mailbox_id, to_mailbox_id})
    source, target = locked[mailbox_id], locked[to_mailbox_id]
    if (source.account_id, target.account_id) != (owner_id, to_owner_id):
        raise MailboxNotFound(str(mailbox_id))
    return source, target


def _kept(allowed: Flag) -> dict[str, int | bool]:
    """All of a message's flags, or what of them may be set in the target."""
    return {"kept_flags": int(allowed), "keeps_keywords": bool(allowed & Flag.FLAGGED)}


def _move(
    source: LockedMailbox, target: LockedMailbox, uids: Sequence[int] | None, now: datetime, allowed: Flag
) -> tuple[Moved, int]:
    """Under locks that the caller holds; with how many octets it moved."""
    # One row where a mailbox is moved into itself: its modseq is then taken twice.
    from_modseq = source.highest_modseq + 1
    to_modseq = from_modseq + 1 if source is target else target.highest_modseq + 1
    which, parameters = uids_among(uids)
    parameters |= {
        "from": source.mailbox_id,
        "to": target.mailbox_id,
        "uid_next": target.uid_next,
        "to_modseq": to_modseq,
        "from_modseq": from_modseq,
        "now": now,
        **_kept(allowed),
    }
    with cursor() as sql:
        row = sql.execute(MOVE.format(which=which).encode(), parameters).fetchone() or NOTHING
    source_uids, octets, unseen, deleted, new_unseen, new_deleted = row
    count = len(source_uids)
    if count:
        source.highest_modseq = from_modseq
        _change_counts(source, messages=-count, octets=-octets, unseen=-unseen, deleted=-deleted)
        target.highest_modseq = to_modseq
        _change_counts(target, messages=count, octets=octets, unseen=new_unseen, deleted=new_deleted)
        announce_on_commit({source.mailbox_id, target.mailbox_id})
    new_uids = list(range(target.uid_next, target.uid_next + count))
    return Moved(target.uid_validity, source_uids, new_uids, source.highest_modseq), octets


def _change_counts(mailbox: LockedMailbox, *, messages: int, octets: int, unseen: int, deleted: int) -> None:
    parameters = {
        "mailbox": mailbox.mailbox_id,
        "modseq": mailbox.highest_modseq,
        "messages": messages,
        "octets": octets,
        "unseen": unseen,
        "deleted": deleted,
    }
    with cursor() as sql:
        sql.execute(CHANGE_COUNTS, parameters)
