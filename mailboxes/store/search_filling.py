"""Filling the search index: what was added to mailboxes becomes segments, small ones become larger ones.

A worker calls this again and again. Each step is computed outside of any transaction and written in a short one, only
where the index is still as it was found: two that work at once lose time and nothing else, and whoever was killed left
nothing half done. Deliveries do nothing for it: UIDs grow in the order of commits, so what has to be indexed is all
that lies above `indexed_to`.
"""

from array import array
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction

from mailboxes.store.search_segments import MAX_MESSAGES, Entries, Segment, build, merge
from mailboxes.store.search_text import Area, Words, words_of
from mailhost.net.database import cursor

# A mailbox waits until so many messages, or so many octets, are not indexed: reading them at each search takes about
# as long as the index does, and writing single messages would write the index many times over.
WAITING_MESSAGES = 32
WAITING_OCTETS = 1 << 20
MESSAGES_AT_ONCE = 1_000
OCTETS_AT_ONCE = 16 << 20
MAX_SEGMENT_OCTETS = 32 << 20  # of words: what one search holds at a time
MERGE_RATIO = 2  # a segment joins the next one unless it is more than so many times its size

WAITING = f"""
SELECT mailbox.id
  FROM mailboxes_mailbox mailbox LEFT JOIN mailboxes_searchindex index ON index.mailbox_id = mailbox.id
 WHERE mailbox.deleted_at IS NULL AND (
       uid_next - 1 - coalesce(indexed_to, 0) >= {WAITING_MESSAGES} AND mailbox.message_count > 0
    OR uid_next - 1 > coalesce(indexed_to, 0)
       AND mailbox.size_octets - coalesce(index.size_octets, 0) >= {WAITING_OCTETS})
 ORDER BY random() LIMIT %s
"""
SHRUNK = """
SELECT mailbox.id FROM mailboxes_mailbox mailbox JOIN mailboxes_searchindex index ON index.mailbox_id = mailbox.id
 WHERE index.message_count > 2 * mailbox.message_count + 1000 OR index.checked_at < %s
 ORDER BY random() LIMIT %s
"""
STATE = """
SELECT uid_next - 1, coalesce(index.indexed_to, 0), index.mailbox_id IS NOT NULL, mailbox.deleted_at IS NOT NULL
  FROM mailboxes_mailbox mailbox LEFT JOIN mailboxes_searchindex index ON index.mailbox_id = mailbox.id
 WHERE mailbox.id = %s
"""
SIZES = """
SELECT uid, size_octets FROM mailboxes_message
 WHERE mailbox_id = %s AND uid > %s AND uid <= %s ORDER BY uid LIMIT %s
"""
OCTETS = """
SELECT message.uid, content.octets
  FROM mailboxes_message message JOIN mailboxes_content content ON content.id = message.content_id
 WHERE mailbox_id = %s AND uid > %s AND uid <= %s ORDER BY uid
"""
SEGMENTS = """
SELECT id, first_uid, last_uid, message_count, size_octets, octets FROM mailboxes_searchsegment
 WHERE index_id = %s ORDER BY first_uid
"""
LIVING = "SELECT uid, size_octets FROM mailboxes_message WHERE mailbox_id = %s AND uid >= %s AND uid <= %s"
LIVING_COUNTS = """
SELECT segment.id, (SELECT count(*) FROM mailboxes_message message
                     WHERE mailbox_id = index_id AND uid BETWEEN first_uid AND last_uid)
  FROM mailboxes_searchsegment segment WHERE index_id = %s
"""
READ_SEGMENT = "SELECT uids, unread FROM mailboxes_searchsegment WHERE id = %s"
READ_WORDS = "SELECT area, words, offsets, postings FROM mailboxes_searchwords WHERE segment_id = %s"
NEW_INDEX = """
INSERT INTO mailboxes_searchindex (mailbox_id, indexed_to, message_count, size_octets, checked_at)
VALUES (%s, 0, 0, 0, now()) ON CONFLICT DO NOTHING
"""
LOCK_INDEX = "SELECT indexed_to FROM mailboxes_searchindex WHERE mailbox_id = %s FOR NO KEY UPDATE"
ADVANCE = """
UPDATE mailboxes_searchindex index
   SET indexed_to = total.last_uid, message_count = total.messages, size_octets = total.size_octets
  FROM (SELECT index_id, max(last_uid) AS last_uid, sum(message_count) AS messages, sum(size_octets) AS size_octets
          FROM mailboxes_searchsegment WHERE index_id = %s GROUP BY index_id) total
 WHERE index.mailbox_id = total.index_id
"""
DROP_WORDS = "DELETE FROM mailboxes_searchwords WHERE segment_id = ANY(%s::bigint[])"
DROP_SEGMENTS = "DELETE FROM mailboxes_searchsegment WHERE id = ANY(%s::bigint[])"
ADD_SEGMENT = """
INSERT INTO mailboxes_searchsegment (index_id, first_uid, last_uid, message_count, size_octets, octets, uids, unread)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
ADD_WORDS = """
INSERT INTO mailboxes_searchwords (segment_id, area, words, offsets, postings) VALUES (%s, %s, %s, %s, %s)
"""
CHECKED = "UPDATE mailboxes_searchindex SET checked_at = %s WHERE mailbox_id = %s"
DROP_INDEX = """
WITH gone AS (DELETE FROM mailboxes_searchwords
               WHERE segment_id IN (SELECT id FROM mailboxes_searchsegment WHERE index_id = %(mailbox)s)),
     segment AS (DELETE FROM mailboxes_searchsegment WHERE index_id = %(mailbox)s)
DELETE FROM mailboxes_searchindex WHERE mailbox_id = %(mailbox)s
"""


class _Stretch(NamedTuple):
    """A segment without its words."""

    id: int
    first_uid: int
    last_uid: int
    message_count: int
    size_octets: int
    octets: int


class _ChangedMeanwhile(Exception):
    """Somebody else has changed this index since it was read."""


def waiting_mailboxes(*, limit: int) -> list[int]:
    """Mailboxes with enough that is not indexed."""
    with cursor() as sql:
        return [mailbox_id for (mailbox_id,) in sql.execute(WAITING.encode(), (limit,))]


def shrunk_mailboxes(*, checked_before: datetime, limit: int) -> list[int]:
    """Mailboxes whose index may hold many words of messages that are gone, or has held some for too long."""
    with cursor() as sql:
        return [mailbox_id for (mailbox_id,) in sql.execute(SHRUNK, (checked_before, limit))]


def fill(*, mailbox_id: int, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Indexes what is waiting in this mailbox, a segment at a time until `is_over`; whether nothing is left."""
    while True:
        with cursor() as sql:
            row = sql.execute(STATE, (mailbox_id,)).fetchone()
            if row is None:
                return True
            last_uid, indexed_to, exists, is_deleted = row
            if last_uid <= indexed_to or is_deleted:
                return True
            if not exists:
                sql.execute(NEW_INDEX, (mailbox_id,))
        if is_over():
            return False
        try:
            _write(
                mailbox_id, indexed_to, *_extended(mailbox_id, _new_segment(mailbox_id, indexed_to, last_uid))
            )
        except (_ChangedMeanwhile, IntegrityError):
            return False


def shrink(*, mailbox_id: int, now: datetime) -> None:
    """Takes words of messages that are gone out of the index; all of it where the mailbox was deleted."""
    with cursor() as sql:
        state = sql.execute(STATE, (mailbox_id,)).fetchone()
        if state is None:
            return
        _, indexed_to, _, is_deleted = state
        if is_deleted:
            sql.execute(DROP_INDEX, {"mailbox": mailbox_id})
            return
        living = dict(sql.execute(LIVING_COUNTS, (mailbox_id,)).fetchall())
        stretches = [_Stretch(*row) for row in sql.execute(SEGMENTS, (mailbox_id,))]
    for stretch in stretches:
        if living.get(stretch.id, stretch.message_count) < stretch.message_count:
            try:
                _write(mailbox_id, indexed_to, _merged(mailbox_id, [_read(stretch)]), [stretch])
            except (_ChangedMeanwhile, IntegrityError):
                return
    with cursor() as sql:
        sql.execute(CHECKED, (now, mailbox_id))


def _new_segment(mailbox_id: int, indexed_to: int, last_uid: int) -> Segment:
    """Of the first messages above indexed_to, as many as are read at once."""
    with cursor() as sql:
        rows = sql.execute(SIZES, (mailbox_id, indexed_to, last_uid, MESSAGES_AT_ONCE)).fetchall()
    octets = taken = 0
    for _, size in rows:
        if taken and octets + size > OCTETS_AT_ONCE:
            break
        octets += size
        taken += 1
    if taken < len(rows) or taken == MESSAGES_AT_ONCE:
        last_uid = rows[taken - 1][0]
    messages: list[tuple[int, Words | None]] = []
    with cursor() as sql:
        found = sql.execute(OCTETS, (mailbox_id, indexed_to, last_uid)).fetchall() if taken else []
    for uid, message in found:
        messages.append((uid, words_of(message)))
    return build(messages, first_uid=indexed_to + 1, last_uid=last_uid, size_octets=octets)


def _extended(mailbox_id: int, segment: Segment) -> tuple[Segment, list[_Stretch]]:
    """The segment together with those before it that are not much larger, and which those were.

    So sizes fall geometrically: a mailbox has few segments, and a message is written again a few times only.
    """
    with cursor() as sql:
        stretches = [_Stretch(*row) for row in sql.execute(SEGMENTS, (mailbox_id,))]
    joined: list[_Stretch] = []
    messages, octets = len(segment.uids), segment.octets
    for stretch in reversed(stretches):
        messages += stretch.message_count
        octets += stretch.octets
        is_much_larger = stretch.message_count > MERGE_RATIO * (messages - stretch.message_count)
        if is_much_larger or messages > MAX_MESSAGES or octets > MAX_SEGMENT_OCTETS:
            break
        joined.insert(0, stretch)
    if not joined:
        return segment, []
    return _merged(mailbox_id, [*(_read(stretch) for stretch in joined), segment]), joined


def _merged(mailbox_id: int, segments: Sequence[Segment]) -> Segment:
    with cursor() as sql:
        bounds = (mailbox_id, segments[0].first_uid, segments[-1].last_uid)
        living = dict(sql.execute(LIVING, bounds).fetchall())
    return merge(segments, living, size_octets=sum(living.values()))


def _read(stretch: _Stretch) -> Segment:
    """Raises _ChangedMeanwhile."""
    with cursor() as sql:
        row = sql.execute(READ_SEGMENT, (stretch.id,)).fetchone()
        areas = {
            Area(area): Entries(words, array("I", offsets), postings)
            for area, words, offsets, postings in sql.execute(READ_WORDS, (stretch.id,))
        }
    if row is None:
        raise _ChangedMeanwhile
    uids, unread = array("I", row[0]), array("H", row[1])
    return Segment(stretch.first_uid, stretch.last_uid, uids, unread, stretch.size_octets, areas)


@transaction.atomic
def _write(mailbox_id: int, indexed_to: int, segment: Segment, replaced: Sequence[_Stretch]) -> None:
    """Puts the segment in, and in the place of those. Raises _ChangedMeanwhile."""
    with cursor() as sql:
        found = sql.execute(LOCK_INDEX, (mailbox_id,)).fetchone()
        ids = [stretch.id for stretch in replaced]
        if found is None or found[0] != indexed_to:
            raise _ChangedMeanwhile
        if ids:
            sql.execute(DROP_WORDS, (ids,))
            if sql.execute(DROP_SEGMENTS, (ids,)).rowcount != len(ids):
                raise _ChangedMeanwhile
        row = sql.execute(
            ADD_SEGMENT,
            (
                mailbox_id,
                segment.first_uid,
                segment.last_uid,
                len(segment.uids),
                segment.size_octets,
                segment.octets,
                segment.uids.tobytes(),
                segment.unread.tobytes(),
            ),
        ).fetchone()
        assert row is not None
        for area, entries in segment.areas.items():
            if len(entries.words) == 1:
                continue
            values = (row[0], int(area), entries.words, entries.offsets.tobytes(), entries.postings)
            sql.execute(ADD_WORDS, values)
        sql.execute(ADVANCE, (mailbox_id,))
