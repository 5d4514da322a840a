"""Putting messages into the queue: a handful of set-based statements inside the caller's transaction.

Locks on destination rows come last in every transaction, by name and route. FOR KEY SHARE is enough here: it keeps a
worker from putting a destination to rest (see claim.py) while something is being added to it, and nobody else waits.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from delivery.models.trace import Event
from delivery.queue.notices import relay_is_due
from delivery.queue.route_rules import Rules, rules
from delivery.queue.rows import (
    MESSAGE_COLUMNS,
    MESSAGE_ID_CHARACTERS,
    MESSAGE_RECORD,
    RECIPIENT_COLUMNS,
    RECIPIENT_RECORD,
    RECIPIENT_VALUES,
    NewQueuedMessage,
    Way,
    message_row,
    recipient_row,
    way_of,
)
from delivery.trace.outbound import note
from mailhost.net.database import cursor

INSERT_DESTINATIONS = b"""
INSERT INTO delivery_destination (name, route_id, failures, last_reply)
SELECT name, route_id, 0, '' FROM unnest(%s::text[], %s::bigint[]) row(name, route_id)
 WHERE NOT EXISTS (SELECT 1 FROM delivery_destination known
                    WHERE known.name = row.name AND known.route_id = row.route_id)
 ORDER BY name, route_id
    ON CONFLICT (name, route_id) DO NOTHING
"""
LOCK_DESTINATIONS = b"""
SELECT known.id, known.name, known.next_attempt_at, known.failures, known.claimed_until, known.route_id
  FROM unnest(%s::text[], %s::bigint[]) row(name, route_id)
  JOIN delivery_destination known ON known.name = row.name AND known.route_id = row.route_id
 ORDER BY known.name, known.route_id FOR KEY SHARE OF known
"""
# A destination that fails keeps its time: new mail does not make a dead host be looked at sooner.
WAKE_DESTINATIONS = b"""
UPDATE delivery_destination SET next_attempt_at = %s
 WHERE id IN (SELECT id FROM delivery_destination WHERE id = ANY(%s::bigint[])
               ORDER BY name, route_id FOR NO KEY UPDATE)
   AND (next_attempt_at IS NULL OR (failures = 0 AND next_attempt_at > %s))
"""
CAPTURED = (
    b"SELECT id FROM delivery_queuedrecipient WHERE message_id = ANY(%s::bigint[]) AND state = 'captured'"
)
# Both tables in one statement: each is a way to the database and back. number: the message's, in both.
INSERT = f"""
WITH message AS MATERIALIZED (
    SELECT nextval('delivery_queuedmessage_id_seq') AS id, row.*
      FROM json_to_recordset(%(messages)s::json)
           row(number integer, content_id bigint, {MESSAGE_RECORD})),
queued AS (
    INSERT INTO delivery_queuedmessage (id, content_id, {MESSAGE_COLUMNS},
                                        created_at, expires_at, message_id_field)
    SELECT id, content_id, {MESSAGE_COLUMNS},
           %(now)s, coalesce(release_at, %(now)s) + %(lifetime)s,
           coalesce((SELECT left(message_id, {MESSAGE_ID_CHARACTERS}) FROM mailboxes_content
                      WHERE id = message.content_id), '')
      FROM message),
waiting AS (
    INSERT INTO delivery_queuedrecipient (message_id, {RECIPIENT_COLUMNS})
    SELECT ((SELECT array_agg(id ORDER BY number) FROM message))[number], {RECIPIENT_VALUES}
      FROM json_to_recordset(%(recipients)s::json)
           row(number integer, destination_id bigint, {RECIPIENT_RECORD}))
SELECT id FROM message ORDER BY number
""".encode()


def enqueue(messages: Sequence[NewQueuedMessage], *, now: datetime) -> list[int]:
    """Queues the messages in the caller's transaction; their ids, in order. After commit the worker is told, unless
    somebody is sending to all these destinations already: he looks again before he leaves.

    In capture mode nothing is to leave: the recipients are kept as captured, and no destination wakes.
    """
    if not messages:
        return []
    is_captured = settings.RELAY == "capture"
    chosen = rules()
    destinations, is_news = _destinations(messages, chosen, now=now, wakes=not is_captured)
    recipients = [
        {
            "number": number,
            "destination_id": destinations[way_of(message, each, chosen)],
            **recipient_row(message, each, is_captured=is_captured),
        }
        for number, message in enumerate(messages, 1)
        for each in message.all_recipients
    ]
    values = {
        "messages": json.dumps(
            [
                {"number": number, "content_id": message.content_id, **message_row(message)}
                for number, message in enumerate(messages, 1)
            ]
        ),
        "recipients": json.dumps(recipients),
        "now": now,
        "lifetime": timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS),
    }
    with cursor() as sql:
        ids = [row[0] for row in sql.execute(INSERT, values)]
        if is_captured:
            captured = [row[0] for row in sql.execute(CAPTURED, (ids,))]
            note(captured, event=Event.CAPTURED, now=now)
    if is_news:
        transaction.on_commit(relay_is_due)
    return ids


def _destinations(
    messages: Sequence[NewQueuedMessage], chosen: Rules, *, now: datetime, wakes: bool
) -> tuple[dict[Way, int], bool]:
    """The destinations' ids, made where new, and woken where they rest; whether a worker has to be told."""
    ways: set[Way] = set()
    waiting: set[Way] = set()
    for message in messages:
        for each in message.all_recipients:
            ways.add(way := way_of(message, each, chosen))
            if wakes and message.release_at is None and not (each.is_delivered or each.is_expanded):
                waiting.add(way)
    names, routes = [way[0] for way in sorted(ways)], [way[1] for way in sorted(ways)]
    with cursor() as sql:
        rows = sql.execute(LOCK_DESTINATIONS, (names, routes)).fetchall()
        if len(rows) < len(ways):
            sql.execute(INSERT_DESTINATIONS, (names, routes))
            rows = sql.execute(LOCK_DESTINATIONS, (names, routes)).fetchall()
        asleep = [
            row[0]
            for row in rows
            if (row[1], row[5]) in waiting and (row[2] is None or (row[3] == 0 and row[2] > now))
        ]
        if asleep:
            sql.execute(WAKE_DESTINATIONS, (now, asleep, now))
    # Whoever holds a claim ends it behind this transaction (see claim.py), and finds what it has added.
    is_news = any((row[1], row[5]) in waiting and (row[4] is None or row[4] <= now) for row in rows)
    return {(row[1], row[5]): row[0] for row in rows}, is_news
