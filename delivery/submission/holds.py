"""Holding what an account submits, and letting go what was held: by an operator who has looked at it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from delivery.models import SendingHold
from delivery.queue.notices import relay_is_due
from delivery.suppression_holding import hold_back_released
from mailboxes.models import Account
from mailhost.audit.trail import record
from mailhost.net.database import cursor

# What waited for an operator is tried for as long as any other mail; what is to wait longer still does so.
PROLONG = b"""
UPDATE delivery_queuedmessage SET expires_at = coalesce(release_at, %s) + %s, released_at = %s
 WHERE id = ANY(%s::bigint[])
"""
RELEASE = b"""
UPDATE delivery_queuedrecipient recipient
   SET state = CASE WHEN message.release_at IS NULL THEN 'queued' ELSE 'waiting' END,
       next_attempt_at = coalesce(message.release_at, %s)
  FROM delivery_queuedmessage message
 WHERE message.id = recipient.message_id AND message.id = ANY(%s::bigint[]) AND recipient.state = 'held'
RETURNING destination_id, message_id, recipient.id
"""
CANCEL = b"""
UPDATE delivery_queuedrecipient SET state = 'cancelled', finished_at = %s
 WHERE message_id = ANY(%s::bigint[]) AND state = 'held'
RETURNING message_id
"""
# As in queue/enqueue.py: rows of destinations come last, by name.
WAKE = b"""
UPDATE delivery_destination SET next_attempt_at = %s
 WHERE id IN (SELECT id FROM delivery_destination WHERE id = ANY(%s::bigint[])
               ORDER BY name, route_id FOR NO KEY UPDATE)
   AND (next_attempt_at IS NULL OR (failures = 0 AND next_attempt_at > %s))
"""
HELD_OF = b"""
SELECT DISTINCT message.id FROM delivery_queuedmessage message
  JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
 WHERE message.account_id = %s AND recipient.state = 'held'
"""


@transaction.atomic
def hold_sending(*, account_id: int, reason: str, by: str, now: datetime) -> bool:
    """From now on what the account submits is held; whether that is new."""
    _, is_new = SendingHold.objects.get_or_create(
        account_id=account_id, defaults={"since": now, "reason": reason}
    )
    if is_new:
        login = Account.objects.values_list("login", flat=True).get(pk=account_id)
        record(by=by, verb="sending held", subject=login, reason=reason)
    return is_new


@transaction.atomic
def lift_hold(*, account_id: int, by: str) -> bool:
    """The account may send again; what is held stays so. Whether there was a hold."""
    hold = SendingHold.objects.filter(account_id=account_id).select_related("account").first()
    if hold is None:
        return False
    record(by=by, verb="sending hold lifted", subject=hold.account.login)
    hold.delete()
    return True


def held_messages(*, account_id: int) -> list[int]:
    """The ids of queued messages of the account that have held recipients."""
    with cursor() as sql:
        return [row[0] for row in sql.execute(HELD_OF, (account_id,))]


@transaction.atomic
def release_held(*, message_ids: Collection[int], by: str, now: datetime) -> int:
    """Sends what was held of these messages; how many messages that were."""
    ids = list(message_ids)
    with cursor() as sql:
        rows = sql.execute(RELEASE, (now, ids)).fetchall()
        released = sorted({row[1] for row in rows})
        sql.execute(PROLONG, (now, timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS), now, released))
        hold_back_released(recipient_ids=[row[2] for row in rows], now=now)
        sql.execute(WAKE, (now, sorted({row[0] for row in rows}), now))
    for message_id in released:
        record(by=by, verb="held message released", subject=f"Q{message_id}")
    transaction.on_commit(relay_is_due)
    return len(released)


@transaction.atomic
def cancel_held(*, message_ids: Collection[int], by: str, now: datetime) -> int:
    """Gives up what was held of these messages, and tells nobody: the sender may be a thief. How many messages."""
    with cursor() as sql:
        cancelled = sorted({row[0] for row in sql.execute(CANCEL, (now, list(message_ids)))})
    for message_id in cancelled:
        record(by=by, verb="held message cancelled", subject=f"Q{message_id}")
    return len(cancelled)
