"""Writing back what became of recipients: in batches, in one transaction, only while the claim is still one's own.

Whatever the reverse-path must be told is marked in the same transaction (report_due); bounces.py tells it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

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

EXPIRED_STATUS = "4.4.7"  # RFC 3463 section 3.5: delivery time expired

# Claims skip locked rows, so nobody takes a destination over while this transaction writes about it.
HOLD_OWN = b"""
SELECT claim_token FROM delivery_destination
 WHERE id = ANY(%s::bigint[]) AND claim_token = ANY(%s::uuid[]) ORDER BY name, route_id FOR NO KEY UPDATE
"""
UPDATE_RECIPIENTS = b"""
UPDATE delivery_queuedrecipient recipient
   SET state = row.state, attempts = recipient.attempts + 1, next_attempt_at = row.next_attempt_at,
       last_reply = row.reply, last_status = row.status, last_host = row.host, last_attempt_at = %s,
       finished_at = CASE WHEN row.state = 'deferred' THEN NULL ELSE %s END,
       cause = row.cause, report_due = row.report_due
  FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],
              %s::text[])
       row(id, state, next_attempt_at, reply, status, host, cause, report_due)
 WHERE recipient.id = row.id
   AND (recipient.state IN ('queued', 'deferred') OR row.state = 'delivered')
"""
ATTEMPTS = b"""
SELECT recipient_id, queue_id, forward_path, %s::timestamptz AS at, host, address, outcome, cause, reply, tls,
       certificate
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
              %s::text[], %s::text[])
       row(recipient_id, queue_id, forward_path, outcome, cause, reply, host, address, tls, certificate)
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """is_own: the claim still was. has_reports: somebody must be told."""

    is_own: bool
    has_reports: bool = False


def record(
    *, results: Mapping[Claim, Sequence[RecipientResult]], now: datetime, random: Random
) -> dict[Claim, Recorded]:
    """Writes outcomes for many destinations: the recipients, an attempt for each, and what is to be reported."""
    recorded = dict.fromkeys(results, Recorded(is_own=False))
    with transaction.atomic(), cursor() as sql:
        ids, tokens = [each.destination_id for each in results], [each.token for each in results]
        own = {row[0] for row in sql.execute(HOLD_OWN, (ids, tokens))}
        rows: list[tuple[int, str, datetime, str, str, str, str, str]] = []
        tried: list[RecipientResult] = []
        bounces: dict[int, tuple[str, Cause, str]] = {}
        for claim, those in results.items():
            if claim.token in own:
                written = [_row(each, now=now, jitter=random.random()) for each in those]
                rows += written
                tried += those
                bounces.update(_bounces(those, written))
                recorded[claim] = Recorded(is_own=True, has_reports=any(row[-1] for row in written))
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            sql.execute(UPDATE_RECIPIENTS, (now, now, *columns))
            ids, states, _, replies, _, hosts, causes, _ = columns
            messages = [each.message.message_id for each in tried]
            paths = [each.recipient.forward_path for each in tried]
            peers = [each.outcome.peer for each in tried]
            addresses, tls = [peer.address for peer in peers], [peer.tls for peer in peers]
            certificates = [peer.certificate for peer in peers]
            told = (ids, messages, paths, states, causes, replies, hosts, addresses, tls, certificates)
            sql.execute(traced(ATTEMPTS), (now, *told))
        if bounces:
            learn_from_bounces(bounces, now=now)
    return recorded


def _bounces(
    results: Sequence[RecipientResult], rows: Sequence[tuple[int, str, datetime, str, str, str, str, str]]
) -> Bounces:
    return {
        row[0]: (result.recipient.forward_path, Cause(row[6]), row[3])
        for result, row in zip(results, rows, strict=True)
        if row[1] == RecipientState.BOUNCED
    }


def _row(
    result: RecipientResult, *, now: datetime, jitter: float
) -> tuple[int, str, datetime, str, str, str, str, str]:
    """(id, state, next_attempt_at, reply, status, host, cause, report_due) as UPDATE_RECIPIENTS takes it."""
    recipient, outcome = result.recipient, result.outcome
    notify = set(recipient.notify.upper().split(",")) - {""}
    may_tell = result.message.reverse_path != "" and "NEVER" not in notify
    # With the null reverse-path there is nobody to tell, which bounces.py keeps in the trace (RFC 3461 section 5.2).
    is_untold = result.message.reverse_path == ""
    is_told = is_untold or (may_tell and (not notify or "FAILURE" in notify))
    tells_failure = ReportDue.FAILED if is_told else ReportDue.NOTHING
    next_at, report = now, ReportDue.NOTHING
    match outcome:
        case Delivered():
            state, status = RecipientState.DELIVERED, "2.0.0"
            if may_tell and "SUCCESS" in notify and not outcome.keeps_dsn:
                # RFC 3461 sections 5.2.2 and 5.2.7.3: the next server will not tell.
                report = ReportDue.DELIVERED_HERE if outcome.is_final else ReportDue.RELAYED
            elif may_tell and not outcome.is_here and _tells_relaying(result.message, outcome, now):
                report = ReportDue.RELAYED
        case Bounced():
            state, status, report = RecipientState.BOUNCED, outcome.status, tells_failure
        case Deferred() if now >= result.message.expires_at:
            state, status, report = RecipientState.EXPIRED, EXPIRED_STATUS, tells_failure
        case Deferred():
            state, status = RecipientState.DEFERRED, outcome.status
            expires_at = result.message.expires_at
            next_at = next_attempt_at(recipient.attempts + 1, now=now, expires_at=expires_at, jitter=jitter)
    return (
        recipient.recipient_id,
        state.value,
        next_at,
        outcome.reply,
        status,
        outcome.peer.host,
        "" if isinstance(outcome, Delivered) else find_cause(outcome.status, outcome.reply).value,
        report.value,
    )


def _tells_relaying(message: OutgoingMessage, outcome: Delivered, now: datetime) -> bool:
    """RFC 2852 section 4.1.4: where tracing is asked for, and where the next server knows nothing of a time that is not
    over yet."""
    if message.deliver_by_mode.endswith("T"):
        return True
    is_in_time = message.deliver_by is not None and now < message.deliver_by
    return is_in_time and not outcome.keeps_deliver_by
