"""Claiming destinations, with a lease, and what waits for them.

A claim is one row: whoever holds it alone sends to that destination. The lease is short and renewed while sending
(RFC 5321 section 4.5.3.2 allows ten minutes after the final dot), so a killed worker is given up soon, and everything
that is written about the destination is written only while the token is still the writer's own.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from delivery.models.trace import Event
from delivery.queue.values import Claim
from delivery.relay.parcel import OutgoingMessage, OutgoingRecipient, Parcel
from delivery.trace.outbound import note
from mailhost.net.database import cursor

# RFC 5321 section 4.5.3.1.8: at least 100 recipients must be taken; more than that others refuse.
MAX_PARCEL_RECIPIENTS: Final = 100

CLAIM = b"""
UPDATE delivery_destination destination
   SET claimed_until = %s, claim_token = gen_random_uuid()
  FROM (SELECT id FROM delivery_destination
         WHERE next_attempt_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s) AND (failures > 0) = %s
         ORDER BY next_attempt_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED) due
 WHERE destination.id = due.id
RETURNING destination.id, destination.name, destination.claim_token, destination.failures,
          destination.connections, destination.route_id
"""
RENEW = b"""
UPDATE delivery_destination destination SET claimed_until = %s
  FROM (SELECT id FROM delivery_destination WHERE id = ANY(%s::bigint[]) AND claim_token = ANY(%s::uuid[])
         ORDER BY name, route_id FOR NO KEY UPDATE) own
 WHERE destination.id = own.id
RETURNING destination.claim_token
"""
DUE = b"""
SELECT message.id, message.content_id, message.reverse_path, message.size_octets, message.body, message.is_smtputf8,
       message.envid, message.ret, message.expires_at, message.requires_tls, message.forwarded_by,
       message.deliver_by, message.deliver_by_mode, message.ignores_tls,
       recipient.id, recipient.forward_path, recipient.orcpt, recipient.notify, recipient.attempts,
       recipient.original_path
  FROM delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id
 WHERE recipient.destination_id = %s AND recipient.state IN ('queued', 'deferred')
   AND recipient.next_attempt_at <= %s AND recipient.id <> ALL(%s::bigint[])
 ORDER BY recipient.next_attempt_at, message.id, recipient.id
 LIMIT %s
"""
DUE_DESPITE_TLS = DUE.replace(b" ORDER BY", b"   AND message.ignores_tls\n ORDER BY", 1)
# FOR UPDATE waits for transactions that are adding to the destination (see enqueue.py): what they add is then seen.
LOCK_OWN = b"SELECT 1 FROM delivery_destination WHERE id = %s AND claim_token = %s FOR UPDATE"
RELEASE = b"""
UPDATE delivery_destination
   SET claimed_until = NULL, claim_token = NULL, failures = CASE WHEN %s THEN 0 ELSE failures END,
       next_attempt_at = (SELECT CASE WHEN count(*) > 0 THEN greatest(min(next_attempt_at), %s) END
                            FROM delivery_queuedrecipient
                           WHERE destination_id = delivery_destination.id AND state IN ('queued', 'deferred'))
 WHERE id = %s
"""
GIVE_UP = b"""
UPDATE delivery_destination SET claimed_until = NULL, claim_token = NULL WHERE id = %s AND claim_token = %s
"""
CAPTURE = b"""
UPDATE delivery_queuedrecipient SET state = 'captured', finished_at = %s
 WHERE destination_id = %s AND state IN ('queued', 'deferred')
RETURNING id
"""


def claim_destinations(*, limit: int, lease_seconds: float, now: datetime, is_failing: bool) -> list[Claim]:
    """Claims up to so many destinations that are due and that nobody holds: those that fail, or the others."""
    with transaction.atomic(), cursor() as sql:
        until = now + timedelta(seconds=lease_seconds)
        return [Claim(*row) for row in sql.execute(CLAIM, (until, now, now, is_failing, limit))]


def renew_claims(*, claims: Collection[Claim], lease_seconds: float, now: datetime) -> set[UUID]:
    """Prolongs these leases; the tokens of those that are still the caller's."""
    with transaction.atomic(), cursor() as sql:
        ids, tokens = [each.destination_id for each in claims], [each.token for each in claims]
        return {row[0] for row in sql.execute(RENEW, (now + timedelta(seconds=lease_seconds), ids, tokens))}


def due_parcels(*, claim: Claim, limit: int, except_ids: Sequence[int], now: datetime) -> list[Parcel]:
    """What waits for the destination, without these recipients: up to so many, by message."""
    return _due(DUE, claim=claim, limit=limit, except_ids=except_ids, now=now)


def due_despite_tls(*, claim: Claim, limit: int, except_ids: Sequence[int], now: datetime) -> list[Parcel]:
    """Of that only what ignores the policies of TLS."""
    return _due(DUE_DESPITE_TLS, claim=claim, limit=limit, except_ids=except_ids, now=now)


def _due(
    statement: bytes, *, claim: Claim, limit: int, except_ids: Sequence[int], now: datetime
) -> list[Parcel]:
    with cursor() as sql:
        rows = sql.execute(statement, (claim.destination_id, now, list(except_ids), limit)).fetchall()
    parcels = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        parcels += _parcels(list(group))
    return parcels


def _parcels(rows: list[tuple[Any, ...]]) -> list[Parcel]:
    message = OutgoingMessage(*rows[0][:14])
    recipients = [OutgoingRecipient(*row[14:]) for row in rows]
    starts = range(0, len(recipients), MAX_PARCEL_RECIPIENTS)
    return [Parcel(message, tuple(recipients[start : start + MAX_PARCEL_RECIPIENTS])) for start in starts]


def release_claim(*, claim: Claim, was_reached: bool, now: datetime) -> None:
    """Puts the destination to rest until the next of its recipients is due. Nothing where the claim is lost.

    Where some are due already, as the look gave way, it queues up behind all others that are due.
    """
    with transaction.atomic(), cursor() as sql:
        if is_own(claim):
            sql.execute(RELEASE, (was_reached, now, claim.destination_id))


def give_up_claim(*, claim: Claim) -> None:
    """Leaves everything as it is for the next worker, at once."""
    with cursor() as sql:
        sql.execute(GIVE_UP, (claim.destination_id, claim.token))


def capture(*, claim: Claim, now: datetime) -> None:
    """Keeps what waits instead of sending it, and releases the claim."""
    with transaction.atomic(), cursor() as sql:
        if is_own(claim):
            captured = [row[0] for row in sql.execute(CAPTURE, (now, claim.destination_id))]
            note(captured, event=Event.CAPTURED, now=now)
            sql.execute(RELEASE, (False, now, claim.destination_id))


def is_own(claim: Claim) -> bool:
    """Locks the destination's row to the end of the transaction; False where the claim is another's by now."""
    with cursor() as sql:
        return sql.execute(LOCK_OWN, (claim.destination_id, claim.token)).fetchone() is not None
