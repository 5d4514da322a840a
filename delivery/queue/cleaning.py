"""Removing what the queue keeps no longer: messages whose recipients are all finished, destinations without any."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from mailhost.net.database import cursor

BATCH: Final = 1_000

REMOVE_FINISHED = b"""
WITH finished AS MATERIALIZED (
    SELECT id FROM delivery_queuedmessage message
     WHERE created_at < %s
       AND NOT EXISTS (SELECT 1 FROM delivery_queuedrecipient recipient
                        WHERE recipient.message_id = message.id
                          AND (recipient.state IN ('queued', 'deferred', 'waiting', 'held')
                               OR recipient.report_due <> '' OR recipient.finished_at >= %s))
     ORDER BY id LIMIT %s),
recipients AS (
    DELETE FROM delivery_queuedrecipient recipient USING finished WHERE recipient.message_id = finished.id)
DELETE FROM delivery_queuedmessage message USING finished WHERE message.id = finished.id
"""
# What somebody is adding to is left alone: he would wait for this, and this for him (enqueue.py).
REMOVE_DESTINATIONS = b"""
DELETE FROM delivery_destination
 WHERE id IN (SELECT id FROM delivery_destination destination
               WHERE id > %s AND next_attempt_at IS NULL AND claim_token IS NULL
                 AND NOT EXISTS (SELECT 1 FROM delivery_queuedrecipient WHERE destination_id = destination.id)
               ORDER BY id LIMIT %s FOR UPDATE OF destination SKIP LOCKED)
RETURNING id
"""


def remove_finished(*, now: datetime) -> int:
    """Removes messages that were finished longer ago than they are kept, with all that is about them; how many."""
    before = now - timedelta(seconds=settings.QUEUE_RETENTION_SECONDS)
    removed = 0
    while True:
        with transaction.atomic(), cursor() as sql:
            count = sql.execute(REMOVE_FINISHED, (before, before, BATCH)).rowcount
        removed += count
        if count < BATCH:
            break
    _remove_destinations()
    return removed


def _remove_destinations() -> None:
    after = 0
    try:
        while True:
            with transaction.atomic(), cursor() as sql:
                ids = [row[0] for row in sql.execute(REMOVE_DESTINATIONS, (after, BATCH))]
            if len(ids) < BATCH:
                return
            after = max(ids)
    except IntegrityError:
        pass  # one of them was just written to: the next round is soon enough
