"""Moves what waits to the route that is right for it now: after routes were changed, and at each look.

move_waiting() goes over the whole queue after a change, and leaves alone what a worker has claimed, which may be in the
middle of being sent. due_here() is asked by that worker himself, for what he has not begun. A change stays noted until
a pass that began after every process had the new rules has found nothing claimed in its way.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from delivery.models import LOCAL, RouteChange
from delivery.queue.claim import due_parcels
from delivery.queue.notices import relay_is_due
from delivery.queue.route_rules import KEPT_SECONDS, Rules, rules, sending_domain
from delivery.queue.values import Claim
from delivery.relay.parcel import OutgoingMessage, Parcel
from mailhost.net.database import cursor

BATCH: Final = 2_000
# Rules are kept that long elsewhere, and a transaction that queues by them may take a moment more.
SETTLED_AFTER: Final = timedelta(seconds=2 * KEPT_SECONDS + 10)

UNFINISHED: Final = b"""
SELECT recipient.id, destination.id, destination.name, destination.route_id, message.reverse_path, message.forwarded_by
  FROM delivery_queuedrecipient recipient
  JOIN delivery_queuedmessage message ON message.id = recipient.message_id
  JOIN delivery_destination destination ON destination.id = recipient.destination_id
 WHERE recipient.id > %s AND recipient.state IN ('queued', 'waiting', 'held', 'deferred')
 ORDER BY recipient.id LIMIT %s
"""
ADD: Final = b"""
INSERT INTO delivery_destination (name, route_id, failures, last_reply)
SELECT name, route_id, 0, '' FROM unnest(%s::text[], %s::bigint[]) row(name, route_id) ORDER BY name, route_id
    ON CONFLICT (name, route_id) DO NOTHING
"""
# As in queue/enqueue.py: by name and route.
LOCK: Final = b"""
SELECT known.id, known.name, known.route_id, known.claim_token IS NOT NULL AND known.claimed_until > %s,
       known.claim_token
  FROM unnest(%s::text[], %s::bigint[]) row(name, route_id)
  JOIN delivery_destination known ON known.name = row.name AND known.route_id = row.route_id
 ORDER BY known.name, known.route_id FOR NO KEY UPDATE OF known
"""
MOVE: Final = b"""
UPDATE delivery_queuedrecipient recipient SET destination_id = row.target
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) row(id, source, target)
 WHERE recipient.id = row.id AND recipient.destination_id = row.source
   AND recipient.state IN ('queued', 'waiting', 'held', 'deferred')
"""
# What failed on the way before may succeed on this one: it is tried when it would have been, or at once where the
# whole destination was put off.
WAKE: Final = b"""
UPDATE delivery_destination destination SET next_attempt_at = least(next_attempt_at, first.at)
  FROM (SELECT destination_id, greatest(min(next_attempt_at), %s) AS at FROM delivery_queuedrecipient
         WHERE destination_id = ANY(%s::bigint[]) AND state IN ('queued', 'deferred') GROUP BY destination_id) first
 WHERE destination.id = first.destination_id
"""
# FOR UPDATE as in claim.py; each by itself, because who adds to one may wait for another one of these.
LOCK_TO_REST: Final = b"""
SELECT 1 FROM delivery_destination WHERE id = %s AND (claim_token IS NULL OR claimed_until <= %s) FOR UPDATE
"""
REST: Final = b"""
UPDATE delivery_destination destination SET next_attempt_at = NULL, failures = 0
 WHERE id = %s
   AND NOT EXISTS (SELECT 1 FROM delivery_queuedrecipient WHERE destination_id = destination.id
                      AND state IN ('queued', 'deferred'))
"""
Way = tuple[str, int]


def note_change(*, now: datetime) -> None:
    """In the transaction of the change: what waits is looked at soon."""
    RouteChange.objects.create(at=now)


def move_waiting(*, now: datetime) -> int:
    """What is noted to be moved; how many recipients were."""
    last = RouteChange.objects.order_by("-pk").first()
    if last is None:
        return 0
    chosen = rules(fresh=True)
    moved = after = 0
    is_clean = True
    while rows := _page(after):
        after = rows[-1][0]
        strays = [(pk, (name, route), (name, right)) for pk, name, route, right in _strays(rows, chosen)]
        if strays:
            count = _move(strays, now=now)
            is_clean = is_clean and count == len(strays)
            moved += count
    if is_clean and now >= last.at + SETTLED_AFTER:
        RouteChange.objects.filter(pk__lte=last.pk).delete()
    return moved


def due_here(*, claim: Claim, limit: int, except_ids: Sequence[int], now: datetime) -> list[Parcel]:
    """As claim.due_parcels(), with what belongs to another route moved there."""
    while True:
        due = due_parcels(claim=claim, limit=limit, except_ids=except_ids, now=now)
        if claim.name == LOCAL or not any(_route(rules(), claim, each) != claim.route_id for each in due):
            return due
        chosen = rules(fresh=True)
        here = [each for each in due if _route(chosen, claim, each) == claim.route_id]
        strays = [
            (each.recipient_id, (claim.name, claim.route_id), (claim.name, _route(chosen, claim, parcel)))
            for parcel in due
            if parcel not in here
            for each in parcel.recipients
        ]
        moved = _move(strays, own=claim, now=now) if strays else 0
        if here or not moved:
            return here


def _page(after: int) -> list[tuple[int, int, str, int, str, str]]:
    with cursor() as sql:
        return sql.execute(UNFINISHED, (after, BATCH)).fetchall()


def _strays(
    rows: Sequence[tuple[int, int, str, int, str, str]], chosen: Rules
) -> list[tuple[int, str, int, int]]:
    """(recipient, name, route, the right route) of those that wait by another one."""
    found = []
    for pk, _, name, route, reverse_path, forwarded_by in rows:
        if name != LOCAL:
            sender = sending_domain(reverse_path=reverse_path, forwarded_by=forwarded_by)
            if (right := chosen.choose(name, sender)) != route:
                found.append((pk, name, route, right))
    return found


def _route(chosen: Rules, claim: Claim, parcel: Parcel) -> int:
    return chosen.choose(claim.name, _sender(parcel.message))


def _sender(message: OutgoingMessage) -> str:
    return sending_domain(reverse_path=message.reverse_path, forwarded_by=message.forwarded_by)


def _move(strays: Sequence[tuple[int, Way, Way]], *, now: datetime, own: Claim | None = None) -> int:
    """(recipient, from, to) each: how many were moved. What others have claimed stays; own: the caller's claim."""
    targets = sorted({target for _, _, target in strays})
    ways = sorted({*targets, *(source for _, source, _ in strays)})
    with transaction.atomic(), cursor() as sql:
        sql.execute(ADD, ([way[0] for way in targets], [way[1] for way in targets]))
        rows = sql.execute(LOCK, (now, [way[0] for way in ways], [way[1] for way in ways])).fetchall()
        # By the row that is locked already: is_own() locks it harder, and could wait for who adds to it (enqueue.py)
        # and waits for another row of these.
        if own is not None and (own.destination_id, own.token) not in {(row[0], row[4]) for row in rows}:
            return 0
        ids = {(name, route): pk for pk, name, route, *_ in rows}
        closed = {row[0] for row in rows if row[3]}
        if own is not None:
            closed.discard(own.destination_id)
        moves = _open(strays, ids, closed)
        if not moves:
            return 0
        columns = [list(column) for column in zip(*moves, strict=True)]
        count = sql.execute(MOVE, columns).rowcount
        sql.execute(WAKE, (now, sorted({target for _, _, target in moves})))
        transaction.on_commit(relay_is_due)
    if own is None:
        for source in sorted({source for _, source, _ in moves}):
            _rest(source, now=now)
    return count


def _rest(destination_id: int, *, now: datetime) -> None:
    """Where nothing waits there any more, nor is just being added."""
    with transaction.atomic(), cursor() as sql:
        if sql.execute(LOCK_TO_REST, (destination_id, now)).fetchone() is not None:
            sql.execute(REST, (destination_id,))


def _open(
    strays: Sequence[tuple[int, Way, Way]], ids: Mapping[Way, int], closed: Collection[int]
) -> list[tuple[int, int, int]]:
    """(recipient, source, target) by ids, of sources that may be touched. A target may be claimed: it is added to."""
    found = []
    for pk, source, target in strays:
        if source in ids and target in ids and ids[source] not in closed:
            found.append((pk, ids[source], ids[target]))
    return found
