"""Messages whose time to be delivered in is over (RFC 2852): mode R is returned, mode N is told of, once each.

A destination that is being looked at is left for the next round: its outcomes are about to be written.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from delivery.models import RecipientState
from delivery.trace.outbound import traced
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause

EXPIRED_STATUS: Final = "5.4.7"  # RFC 3463 section 3.5, for ever: there is no later
EXPIRED_REPLY: Final = "The time within which the message was to be delivered is over."
BATCH: Final = 1_000

# Destinations first, by name; claims skip what is locked (claim.py), and see afterwards what has become of it.
LOCK_IDLE: Final = b"""
SELECT id FROM delivery_destination
 WHERE id IN (SELECT recipient.destination_id
                FROM delivery_queuedmessage message
                JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
               WHERE message.deliver_by <= %(now)s AND message.deliver_by_mode LIKE 'R%%'
                 AND recipient.state IN ('queued', 'deferred'))
   AND (claimed_until IS NULL OR claimed_until <= %(now)s)
 ORDER BY name, route_id FOR NO KEY UPDATE SKIP LOCKED
"""
OVERDUE: Final = b"""
WITH finished AS (
    UPDATE delivery_queuedrecipient recipient
       SET state = %(state)s, last_status = %(status)s, finished_at = %(now)s,
           last_reply = coalesce(nullif(recipient.last_reply, ''), %(reply)s),
           cause = coalesce(nullif(recipient.cause, ''), %(cause)s),
           report_due = CASE WHEN message.reverse_path = '' OR recipient.notify = ''
                               OR upper(recipient.notify) LIKE '%%FAILURE%%' THEN 'failed' ELSE '' END
      FROM delivery_queuedmessage message
     WHERE message.id = recipient.message_id AND recipient.destination_id = ANY(%(destinations)s::bigint[])
       AND recipient.state IN ('queued', 'deferred')
       AND message.deliver_by <= %(now)s AND message.deliver_by_mode LIKE 'R%%'
    RETURNING recipient.id, recipient.message_id, recipient.forward_path, recipient.cause)
"""
TOLD: Final = b"""
SELECT id AS recipient_id, message_id AS queue_id, forward_path, %(now)s::timestamptz AS at, '' AS host, '' AS address,
       %(state)s AS outcome, cause, %(reply)s AS reply, '' AS tls, '' AS certificate,
       '' AS signing
  FROM finished
"""
# What was over when it came has been told of by whoever had it before.
MARK_OVERDUE: Final = b"""
UPDATE delivery_queuedrecipient SET report_due = 'delayed', delay_reported_at = %(now)s
 WHERE id IN (SELECT recipient.id
                FROM delivery_queuedmessage message
                JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
               WHERE message.deliver_by <= %(now)s AND message.deliver_by > message.created_at
                 AND message.deliver_by_mode LIKE 'N%%' AND message.expires_at > %(now)s
                 AND message.reverse_path <> ''
                 AND recipient.state IN ('queued', 'deferred') AND recipient.report_due = ''
                 AND (recipient.delay_reported_at IS NULL OR recipient.delay_reported_at < message.deliver_by)
                 AND (recipient.notify = '' OR upper(recipient.notify) LIKE '%%DELAY%%')
               LIMIT %(limit)s FOR NO KEY UPDATE OF recipient SKIP LOCKED)
"""


def settle_overdue(*, now: datetime) -> None:
    """Returns what must not be delivered any more, and marks what is to be told of. Any number of callers at once."""
    with transaction.atomic(), cursor() as sql:
        idle = [row[0] for row in sql.execute(LOCK_IDLE, {"now": now})]
        if idle:
            sql.execute(
                traced(TOLD, after=OVERDUE),
                {
                    "state": RecipientState.EXPIRED.value,
                    "status": EXPIRED_STATUS,
                    "reply": EXPIRED_REPLY,
                    "cause": Cause.TIME_OVER.value,
                    "now": now,
                    "destinations": idle,
                },
            )
    with cursor() as sql:
        sql.execute(MARK_OVERDUE, {"now": now, "limit": BATCH})
