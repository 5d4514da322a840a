"""Writing back what became of a look at a whole destination that led to no host: one statement for many that wait.

Meanwhile nobody can add to the destination, and with whoever wants to waits all that his process takes just then
(departures.py). So what ends does so in batches, each a transaction; the claim goes with the last one.
"""

from datetime import datetime
from random import Random
from typing import Final

from django.db import transaction

from delivery.models import RecipientState
from delivery.queue.claim import is_own
from delivery.queue.outcomes import EXPIRED_STATUS, Recorded
from delivery.queue.retry_schedule import next_attempt_at
from delivery.queue.values import Claim
from delivery.relay.outcome import Bounced, Deferred
from delivery.suppression_learning import learn_from_destination
from delivery.trace.outbound import traced
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import find_cause

# What an operator has redirected there is never bounced for it: the mistake is his, and neither its sender's nor its
# recipient's. Who is told of a failure: RFC 3461 section 4.1. With the null reverse-path nobody is, and bounces.py says
# so.
FINISHED = b"""
WITH ending AS MATERIALIZED (
    SELECT recipient.id, message.reverse_path
      FROM delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id
     WHERE recipient.destination_id = %(destination_id)s AND recipient.state IN ('queued', 'deferred')
       AND CASE WHEN %(all)s THEN recipient.redirected_from IN ('', %(name)s) ELSE message.expires_at <= %(now)s END
     ORDER BY recipient.next_attempt_at LIMIT %(limit)s),
finished AS (
    UPDATE delivery_queuedrecipient recipient
       SET state = %(state)s, attempts = attempts + 1, last_reply = %(reply)s, last_status = %(status)s,
           last_host = %(host)s, last_attempt_at = %(now)s, finished_at = %(now)s, cause = %(cause)s,
           report_due = CASE WHEN ending.reverse_path = '' OR recipient.notify = ''
                               OR upper(recipient.notify) LIKE '%%FAILURE%%' THEN 'failed' ELSE '' END
      FROM ending
     WHERE recipient.id = ending.id AND recipient.state IN ('queued', 'deferred')
    RETURNING recipient.id, recipient.message_id, recipient.forward_path)
"""
# The first of what waits is told of each look; the rest is put off in the destination's row alone.
DEFERRED = b"""
WITH finished AS (
    UPDATE delivery_queuedrecipient recipient
       SET state = %(state)s, attempts = attempts + 1, last_reply = %(reply)s, last_status = %(status)s,
           last_host = %(host)s, last_attempt_at = %(now)s, cause = %(cause)s
      FROM (SELECT id FROM delivery_queuedrecipient
             WHERE destination_id = %(destination_id)s AND state IN ('queued', 'deferred')
               AND next_attempt_at <= %(now)s
             ORDER BY next_attempt_at LIMIT 100) first
     WHERE recipient.id = first.id
    RETURNING recipient.id, recipient.message_id, recipient.forward_path)
"""
TOLD = b"""
SELECT id AS recipient_id, message_id AS queue_id, forward_path, %(now)s::timestamptz AS at, %(host)s AS host,
       %(address)s AS address, %(state)s AS outcome, %(cause)s AS cause, %(reply)s AS reply,
       %(tls)s AS tls, %(certificate)s AS certificate, '' AS signing
  FROM finished
"""
# Who is due first is the oldest, but for what was tried by itself before, hurried or put off: that is due later, and is
# found among those that come next.
FIRST_EXPIRY = b"""
SELECT min(message.expires_at)
  FROM (SELECT message_id FROM delivery_queuedrecipient
         WHERE destination_id = %s AND state IN ('queued', 'deferred')
         ORDER BY next_attempt_at LIMIT 500) first
  JOIN delivery_queuedmessage message ON message.id = first.message_id
"""
PUT_OFF = b"""
UPDATE delivery_destination
   SET claimed_until = NULL, claim_token = NULL, failures = %s, next_attempt_at = %s, last_reply = %s,
       last_status = %s, cause = %s, last_attempt_at = %s
 WHERE id = %s
"""

BATCH: Final = 5_000  # recipients of one transaction: half a second
REDIRECTED_STATUS: Final = "4.3.5"  # RFC 3463 section 3.4: a system that is not set up right
REDIRECTED: Final = "Mail was redirected there: it waits, to be redirected once more."


def bounce_waiting(*, claim: Claim, outcome: Bounced, now: datetime) -> Recorded:
    """Nothing can reach this destination: all that waits for it bounces, and the claim is released.

    What was redirected there is put off, until it is redirected again or its time is over.
    """
    while True:
        with transaction.atomic(), cursor() as sql:
            if not is_own(claim):
                return Recorded(is_own=False)
            if _finish(claim, outcome, state=RecipientState.BOUNCED, status=outcome.status, now=now) == BATCH:
                continue
            if _first_expiry(claim) is not None:
                waits = Deferred(REDIRECTED_STATUS, f"{outcome.reply} {REDIRECTED}", outcome.peer)
                if _expire(claim, waits, now=now) == BATCH:
                    continue
                _put_off(claim, waits, failures=claim.failures + 1, now=now, jitter=0.5)
            else:
                sql.execute(PUT_OFF, (0, None, *_why(outcome), now, claim.destination_id))
            cause = find_cause(outcome.status, outcome.reply)
            learn_from_destination(destination_id=claim.destination_id, cause=cause, now=now)
        return Recorded(is_own=True, has_reports=True)


def put_off(*, claim: Claim, outcome: Deferred, was_reached: bool, now: datetime, random: Random) -> Recorded:
    """No host could be reached (any more): one row puts off all that waits; what is too old expires.

    was_reached: a host was, in this look; then it is the first failure in a row.
    """
    failures = 1 if was_reached else claim.failures + 1
    has_expired = False
    while True:
        with transaction.atomic():
            if not is_own(claim):
                return Recorded(is_own=False)
            expired = _expire(claim, outcome, now=now)
            has_expired = has_expired or expired > 0
            if expired == BATCH:
                continue
            _put_off(claim, outcome, failures=failures, now=now, jitter=random.random())
        return Recorded(is_own=True, has_reports=has_expired)


def _put_off(claim: Claim, outcome: Deferred, *, failures: int, now: datetime, jitter: float) -> None:
    _note_deferred(claim, outcome, now=now)
    expires_at = _first_expiry(claim)
    next_at = expires_at and next_attempt_at(failures, now=now, expires_at=expires_at, jitter=jitter)
    with cursor() as sql:
        sql.execute(PUT_OFF, (failures, next_at, *_why(outcome), now, claim.destination_id))


def _expire(claim: Claim, outcome: Deferred, *, now: datetime) -> int:
    """How many were too old, up to BATCH."""
    expires_at = _first_expiry(claim)
    if expires_at is None or expires_at > now:
        return 0
    return _finish(claim, outcome, state=RecipientState.EXPIRED, status=EXPIRED_STATUS, now=now)


def _why(outcome: Bounced | Deferred) -> tuple[str, str, str]:
    """What the destination's row says for all that has no words of its own (causes.py)."""
    return outcome.reply, outcome.status, find_cause(outcome.status, outcome.reply).value


def _first_expiry(claim: Claim) -> datetime | None:
    """When the first of what waits expires; None where nothing does."""
    with cursor() as sql:
        row = sql.execute(FIRST_EXPIRY, (claim.destination_id,)).fetchone()
    return row[0] if row else None


def _finish(
    claim: Claim, outcome: Bounced | Deferred, *, state: RecipientState, status: str, now: datetime
) -> int:
    """Of everything that waits, or, where it expires, of what is too old: how many, up to BATCH."""
    with cursor() as sql:
        done = sql.execute(
            traced(TOLD, after=FINISHED),
            {
                "state": state.value,
                "status": status,
                "reply": outcome.reply,
                "cause": find_cause(outcome.status, outcome.reply).value,
                "host": outcome.peer.host,
                "address": outcome.peer.address,
                "tls": outcome.peer.tls,
                "certificate": outcome.peer.certificate,
                "now": now,
                "destination_id": claim.destination_id,
                "name": claim.name,
                "all": state is RecipientState.BOUNCED,
                "limit": BATCH,
            },
        )
        return done.rowcount


def _note_deferred(claim: Claim, outcome: Deferred, *, now: datetime) -> None:
    with cursor() as sql:
        sql.execute(
            traced(TOLD, after=DEFERRED),
            {
                "state": RecipientState.DEFERRED.value,
                "status": outcome.status,
                "reply": outcome.reply,
                "cause": find_cause(outcome.status, outcome.reply).value,
                "host": outcome.peer.host,
                "address": outcome.peer.address,
                "tls": outcome.peer.tls,
                "certificate": outcome.peer.certificate,
                "now": now,
                "destination_id": claim.destination_id,
            },
        )
