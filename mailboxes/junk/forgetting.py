"""Taking out of the tables what will not be asked for again, a bounded piece at a time."""

from datetime import datetime, timedelta

from mailhost.net.database import cursor

# Most tokens are made up, and stand in one message ever. One that comes again after so long is learned again.
SINGLE_KEPT_FOR = timedelta(days=60)
SLICES = 1_024  # of all hashes: one at each call, so that a week sees them all with a call every ten minutes
SLICE_SECONDS = 600
ROWS_AT_ONCE = 20_000

# Locked rows are somebody's who learns: passed over, so that the order of locks is no matter.
FORGET_SINGLES = """
DELETE FROM mailboxes_junkcount known USING (
    SELECT token, scope FROM mailboxes_junkcount
     WHERE token >= %(first)s AND token <= %(last)s AND junk + wanted <= 1 AND seen_on < %(before)s
     LIMIT %(rows)s FOR UPDATE SKIP LOCKED) gone
 WHERE known.token = gone.token AND known.scope = gone.scope
"""
FORGET_ACCOUNTS = """
DELETE FROM mailboxes_junkcount known USING (
    SELECT token, scope FROM mailboxes_junkcount count
     WHERE token >= %(first)s AND token <= %(last)s AND scope <> 0
       AND NOT EXISTS (SELECT 1 FROM mailboxes_account WHERE id = count.scope)
     LIMIT %(rows)s FOR UPDATE SKIP LOCKED) gone
 WHERE known.token = gone.token AND known.scope = gone.scope
"""
# Once no mailbox can show a message any more, nobody can turn its lesson round; what was learned of it stays.
FORGET_LESSONS = """
DELETE FROM mailboxes_lesson known USING (
    SELECT scope, content_id FROM mailboxes_lesson lesson
     WHERE NOT is_waiting AND NOT EXISTS (SELECT 1 FROM mailboxes_content WHERE id = lesson.content_id)
     LIMIT %(rows)s FOR UPDATE SKIP LOCKED) gone
 WHERE known.scope = gone.scope AND known.content_id = gone.content_id
"""
FORGET_TOTALS = """
DELETE FROM mailboxes_junktotal known
 WHERE scope <> 0 AND NOT EXISTS (SELECT 1 FROM mailboxes_account WHERE id = known.scope)
"""


def forget(*, now: datetime) -> int:
    """Forgets in the slice of the tokens whose turn it is, and lessons of what is gone; how many rows."""
    first, last = slice_at(now)
    parameters = {
        "first": first,
        "last": last,
        "before": (now - SINGLE_KEPT_FOR).date(),
        "rows": ROWS_AT_ONCE,
    }
    with cursor() as sql:
        return sum(
            sql.execute(statement, parameters).rowcount
            for statement in (FORGET_SINGLES, FORGET_ACCOUNTS, FORGET_LESSONS, FORGET_TOTALS)
        )


def slice_at(now: datetime) -> tuple[int, int]:
    """The hashes whose turn it is: the first and the last."""
    width = 2**64 // SLICES
    number = int(now.timestamp()) // SLICE_SECONDS % SLICES
    first = number * width - 2**63
    return first, first + width - 1
