"""Removing verdicts that nobody will ask for any more: old ones, and those on messages that are gone."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from mailhost.net.database import cursor

ROWS_AT_ONCE: Final = 5_000  # short transactions: mail comes in meanwhile

FORGET_OLD = b"""
DELETE FROM delivery_recordedverdict WHERE id IN (
    SELECT id FROM delivery_recordedverdict WHERE judged_at < %(before)s LIMIT %(rows)s FOR UPDATE SKIP LOCKED)
"""
# A verdict is written in the transaction that writes its content, so what has none has lost it.
FORGET_GONE = b"""
DELETE FROM delivery_recordedverdict WHERE id IN (
    SELECT id FROM delivery_recordedverdict verdict
     WHERE NOT EXISTS (SELECT FROM mailboxes_content WHERE id = verdict.content_id)
     LIMIT %(rows)s FOR UPDATE SKIP LOCKED)
"""


def forget_verdicts(*, now: datetime) -> int:
    """Removes those older than VERDICT_DAYS, and those whose message is kept nowhere; how many."""
    parameters = {"before": now - timedelta(days=settings.VERDICT_DAYS), "rows": ROWS_AT_ONCE}
    return sum(_remove(statement, parameters) for statement in (FORGET_OLD, FORGET_GONE))


def _remove(statement: bytes, parameters: dict[str, object]) -> int:
    removed = 0
    while True:
        with cursor() as sql:
            count = sql.execute(statement, parameters).rowcount
        removed += count
        if count < ROWS_AT_ONCE:
            return removed
