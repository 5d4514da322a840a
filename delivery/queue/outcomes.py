"""Writing back what became of recipients: in batches, in one transaction, only while the claim is still one's own.

Whatever the reverse-path must be told is marked in the same transaction (report_due); bounces.py tells it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from django.db import transaction

from delivery.models import RecipientState, ReportDue
from delivery.queue.retry_schedule import next_attempt_at
from delivery.queue.values import Claim, RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered
from delivery.relay.parcel import OutgoingMessage
from delivery.suppression_learning import Bounces, learn_from_bounces
from delivery.trace.outbound import traced
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause, find_cause

Row = dict[str, Any]

EXPIRED_STATUS = "4.4.7"  # RFC 3463 section 3.5: delivery time expired

# Claims skip locked rows, so nobody takes a destination over while this transaction writes about it. Who is put off
# once more is still to be told of the delay, where that waits to be told.
OWN = b"""
WITH row AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json)
           row(token uuid, recipient_id bigint, queue_id bigint, forward_path text, state text,
               next_attempt_at timestamptz, status text, cause text, report_due text, reply text, host text,
               address text, tls text, certificate text, signing text)),
own AS MATERIALIZED (
    SELECT claim_token FROM delivery_destination
     WHERE id = ANY(%(ids)s::bigint[]) AND claim_token = ANY(%(tokens)s::uuid[])
     ORDER BY name, route_id FOR NO KEY UPDATE),
own_row AS MATERIALIZED (SELECT row.* FROM row JOIN own ON own.claim_token = row.token),
written AS (
    UPDATE delivery_queuedrecipient recipient
       SET state = row.state, attempts = recipient.attempts + 1, next_attempt_at = row.next_attempt_at,
           last_reply = row.reply, last_status = row.status, last_host = row.host, last_attempt_at = %(now)s,
           finished_at = CASE WHEN row.state = 'deferred' THEN NULL ELSE %(now)s::timestamptz END,
           cause = row.cause,
           report_due = CASE WHEN row.state = 'deferred' THEN recipient.report_due ELSE row.report_due END
      FROM own_row row
     WHERE recipient.id = row.recipient_id
       AND (recipient.state IN ('queued', 'deferred') OR row.state = 'delivered')),
told AS ("""
ATTEMPTS = b"""
SELECT recipient_id, queue_id, forward_path, %(now)s::timestamptz AS at, host, address, state AS outcome, cause, reply,
       tls, certificate, signing
  FROM own_row
"""
WHOSE = b") SELECT claim_token FROM own"


@dataclass(frozen=True, slots=True)
class Recorded:
    """is_own: the claim still was. has_reports: somebody must be told."""

    is_own: bool
    has_reports: bool = False


def record(
    *,
    results: Mapping[Claim, Sequence[RecipientResult]],
    now: datetime,
    random: Random,
    returned: Bounces | None = None,
) -> dict[Claim, Recorded]:
    """Writes outcomes for many destinations: the recipients, an attempt for each, and what is to be reported.

    In one statement, so that where nothing bounced it is a transaction by itself. returned: what is counted for
    suppression lists together with what bounced here.
    """
    written = {
        claim: [_row(claim, each, now=now, jitter=random.random()) for each in those]
        for claim, those in results.items()
    }
    values = {
        "rows": json.dumps([row for rows in written.values() for row in rows]),
        "ids": [each.destination_id for each in results],
        "tokens": [each.token for each in results],
        "now": now,
    }
    returned = returned or {}
    bounced = bool(returned) or any(
        row["state"] == RecipientState.BOUNCED for rows in written.values() for row in rows
    )
    with transaction.atomic() if bounced else nullcontext(), cursor() as sql:
        own = {row[0] for row in sql.execute(traced(ATTEMPTS, after=OWN) + WHOSE, values)}
        if bounced and own:
            own_rows = (row for claim in results if claim.token in own for row in written[claim])
            learn_from_bounces({**returned, **_bounces(own_rows)}, now=now)
    return {
        claim: Recorded(is_own=True, has_reports=any(row["report_due"] for row in rows))
        if claim.token in own
        else Recorded(is_own=False)
        for claim, rows in written.items()
    }


def _bounces(rows: Iterable[Row]) -> Bounces:
    return {
        row["recipient_id"]: (row["forward_path"], Cause(row["cause"]), row["reply"])
        for row in rows
        if row["state"] == RecipientState.BOUNCED
    }


def _row(claim: Claim, result: RecipientResult, *, now: datetime, jitter: float) -> Row:
    """As the statement reads it."""
    recipient, outcome, peer = result.recipient, result.outcome, result.outcome.peer
    state, status, next_at, report = _standing(result, now=now, jitter=jitter)
    return {
        "token": str(claim.token),
        "recipient_id": recipient.recipient_id,
        "queue_id": result.message.message_id,
        "forward_path": recipient.forward_path,
        "state": state.value,
        "next_attempt_at": next_at.isoformat(),
        "status": status,
        "cause": "" if isinstance(outcome, Delivered) else find_cause(outcome.status, outcome.reply).value,
        "report_due": report.value,
        "reply": outcome.reply,
        "host": peer.host,
        "address": peer.address,
        "tls": peer.tls,
        "certificate": peer.certificate,
        "signing": result.signing,
    }


def _standing(
    result: RecipientResult, *, now: datetime, jitter: float
) -> tuple[RecipientState, str, datetime, ReportDue]:
    """Its state from now on, the status, when it is tried again, and what is to be reported."""
    recipient, outcome = result.recipient, result.outcome
    notify = set(recipient.notify.upper().split(",")) - {""}
    may_tell = result.message.reverse_path != "" and "NEVER" not in notify
    # With the null reverse-path there is nobody to tell, which bounces.py keeps in the trace (RFC 3461 section 5.2).
    is_untold = result.message.reverse_path == ""
    is_told = is_untold or (may_tell and (not notify or "FAILURE" in notify))
    tells_failure = ReportDue.FAILED if is_told else ReportDue.NOTHING
    match outcome:
        case Delivered():
            report = ReportDue.NOTHING
            if may_tell and "SUCCESS" in notify and not outcome.keeps_dsn:
                # RFC 3461 sections 5.2.2 and 5.2.7.3: the next server will not tell.
                report = ReportDue.DELIVERED_HERE if outcome.is_final else ReportDue.RELAYED
            elif may_tell and not outcome.is_here and _tells_relaying(result.message, outcome, now):
                report = ReportDue.RELAYED
            return RecipientState.DELIVERED, "2.0.0", now, report
        case Bounced():
            return RecipientState.BOUNCED, outcome.status, now, tells_failure
        case Deferred() if now >= result.message.expires_at:
            return RecipientState.EXPIRED, EXPIRED_STATUS, now, tells_failure
        case Deferred():
            expires_at = result.message.expires_at
            next_at = next_attempt_at(recipient.attempts + 1, now=now, expires_at=expires_at, jitter=jitter)
            return RecipientState.DEFERRED, outcome.status, next_at, ReportDue.NOTHING


def _tells_relaying(message: OutgoingMessage, outcome: Delivered, now: datetime) -> bool:
    """RFC 2852 section 4.1.4: where tracing is asked for, and where the next server knows nothing of a time that is not
    over yet."""
    if message.deliver_by_mode.endswith("T"):
        return True
    is_in_time = message.deliver_by is not None and now < message.deliver_by
    return is_in_time and not outcome.keeps_deliver_by
