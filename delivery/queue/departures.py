"""Mail that does nothing but leave, from the event loop: contents and queue rows in one statement, one commit.

For what most submissions are. A hop into a thread, a transaction's statements one after the other and the struggle for
the interpreter's lock took longer than all that the database does for them (docs/decisions/0011). All or nothing: where
a destination is new nothing is written, and the statement is asked again without the messages for it. Those are left to
enqueue(), which makes it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from delivery.known_recipients import NOTE_KNOWN, fitting
from delivery.queue.notices import relay_is_due
from delivery.queue.route_rules import Rules, kept_rules, rules
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
from mailboxes.exceptions import DiskNearlyFull
from mailboxes.store.content_rows import CONTENT_COLUMNS, GIVEN_COLUMNS, GIVEN_CONTENTS, content_parameters
from mailboxes.store.values import NewContent
from mailhost.net.disk import has_room
from mailhost.net.statements import BYTEA_OID, TEXT_OID, Row, Statement, Statements, binary_array, plain_array
from mailhost.net.store_threads import in_store

MAX_ATTEMPTS: Final = 2

# The destinations are locked and woken as in enqueue.py, and who is claimed need not be told of. `number`: of each
# departure, with its ids; no row, and so nothing written, where a destination is new. Arrays, because a plan that was
# made while there was one destination would join with all that there are later, until Postgres looks at them anew.
DEPART: Final = Statement.parse(f"""
WITH destination AS MATERIALIZED (
    SELECT known.id, known.name, known.route_id, known.claimed_until,
           known.next_attempt_at IS NULL OR (known.failures = 0 AND known.next_attempt_at > %(now)s) AS is_asleep
      FROM unnest(%(names)b::text[], %(routes)s::bigint[]) way(name, route_id)
      JOIN delivery_destination known ON known.name = way.name AND known.route_id = way.route_id
     WHERE known.name = ANY(%(names)b::text[])
     ORDER BY known.name, known.route_id FOR KEY SHARE OF known
), number AS MATERIALIZED (
    SELECT number, nextval('mailboxes_content_id_seq') AS new_content,
           nextval('delivery_queuedmessage_id_seq') AS new_message
      FROM generate_series(1, %(count)s) number
     WHERE (SELECT count(*) FROM destination) = %(ways)s
), content AS (
    INSERT INTO mailboxes_content (id, created_at, {CONTENT_COLUMNS})
    SELECT new_content, %(now)s, {GIVEN_COLUMNS}
      FROM {GIVEN_CONTENTS} JOIN number ON number = id
), queued AS (
    INSERT INTO delivery_queuedmessage (id, content_id, {MESSAGE_COLUMNS},
                                        created_at, expires_at, message_id_field)
    SELECT new_message, new_content, {MESSAGE_COLUMNS},
           %(now)s, %(expires_at)s::timestamptz, message_id_field
      FROM json_to_recordset(%(messages)s::json) row(number integer, message_id_field text, {MESSAGE_RECORD})
      JOIN number USING (number)
), waiting AS (
    INSERT INTO delivery_queuedrecipient (message_id, {RECIPIENT_COLUMNS})
    SELECT new_message, {RECIPIENT_VALUES}
      FROM json_to_recordset(%(recipients)s::json)
           row(number integer, name text, route_id bigint, {RECIPIENT_RECORD})
      JOIN number USING (number)
      JOIN (SELECT id AS destination_id, name, route_id FROM destination) destination USING (name, route_id)
), woken AS (
    UPDATE delivery_destination SET next_attempt_at = %(now)s
     WHERE id = ANY(ARRAY(
           SELECT id FROM delivery_destination
            WHERE id = ANY(ARRAY(SELECT id FROM destination WHERE is_asleep AND EXISTS (SELECT FROM number)))
              AND name = ANY(%(names)b::text[])
            ORDER BY name, route_id FOR NO KEY UPDATE))
), known AS (
    {NOTE_KNOWN.format(condition="AND EXISTS (SELECT FROM number)")}
)
SELECT name, route_id, claimed_until IS NULL OR claimed_until <= %(now)s, NULL, NULL, NULL FROM destination
 UNION ALL SELECT NULL, NULL, NULL, number, new_content, new_message FROM number
""")


@dataclass(frozen=True, slots=True)
class Departure:
    """One content that no mailbox shows, and its way into the queue: to recipients elsewhere, at once. `message` has no
    content_id yet. first_recipients: of its account, to be remembered."""

    content: NewContent
    message: NewQueuedMessage
    first_recipients: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Departed:
    content_id: int
    message_id: int


class Departures:
    """Queues messages for one process, over a connection of its own; one call at a time."""

    def __init__(self) -> None:
        self._statements = Statements(plans_once=True)

    async def queue(self, departures: Sequence[Departure], *, now: datetime) -> list[Departed | None]:
        """Their ids; None for those left to enqueue(). A transaction of its own; the worker is told.

        Raises DiskNearlyFull, StoreUnavailable.
        """
        if not has_room():
            raise DiskNearlyFull
        chosen = kept_rules()
        if chosen is None:
            chosen = await in_store(rules)
        ways = [
            {way_of(each.message, recipient, chosen) for recipient in each.message.all_recipients}
            for each in departures
        ]
        queued: list[Departed | None] = [None] * len(departures)
        known = set().union(*ways)
        for _ in range(MAX_ATTEMPTS):
            numbers = [number for number, needed in enumerate(ways) if needed <= known]
            if not numbers:
                break
            needed = sorted(set().union(*(ways[number] for number in numbers)))
            leaving = [departures[number] for number in numbers]
            answer = _Answer.of(
                await self._statements.fetch(DEPART, _parameters(leaving, chosen, needed, now))
            )
            known = answer.known
            if answer.departed:
                for number, departed in zip(numbers, answer.departed, strict=True):
                    queued[number] = departed
                if answer.is_news:
                    relay_is_due()
                break
        return queued

    async def close(self) -> None:
        """Ends the connection."""
        await self._statements.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What DEPART has found and done. is_news: the worker does not know that something waits."""

    known: set[Way]
    is_news: bool
    departed: list[Departed]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "_Answer":
        destinations = [row for row in rows if row[3] is None]
        ids = sorted([int(value or 0) for value in row[3:]] for row in rows if row[3] is not None)
        return cls(
            {((name or b"").decode(), int(route_id or 0)) for name, route_id, *_ in destinations},
            any(is_unclaimed == b"t" for _, _, is_unclaimed, *_ in destinations),
            [Departed(content_id, message_id) for _, content_id, message_id in ids],
        )


def _parameters(
    departures: Sequence[Departure], chosen: Rules, ways: Sequence[Way], now: datetime
) -> Mapping[str, bytes]:
    given = content_parameters([(number, each.content) for number, each in enumerate(departures, 1)])
    known = fitting(
        (each.message.account_id, address) for each in departures for address in each.first_recipients
    )
    lifetime = timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)
    return {
        "names": binary_array([name.encode() for name, _ in ways], oid=TEXT_OID),
        "routes": plain_array(route for _, route in ways),
        "ways": b"%d" % len(ways),
        "count": b"%d" % len(departures),
        "messages": _json(_message(number, each) for number, each in enumerate(departures, 1)),
        "recipients": _json(
            {"number": number, **row}
            for number, each in enumerate(departures, 1)
            for row in _recipients(each.message, chosen)
        ),
        "account_ids": plain_array(account_id for account_id, _ in known),
        "addresses": binary_array([address.encode() for _, address in known], oid=TEXT_OID),
        "contents": given.pop("contents").encode(),
        **{name: binary_array(octets, oid=BYTEA_OID) for name, octets in given.items()},
        "now": now.isoformat().encode(),
        "expires_at": (now + lifetime).isoformat().encode(),
    }


def _message(number: int, departure: Departure) -> dict[str, Any]:
    return {
        **message_row(departure.message),
        "number": number,
        "message_id_field": departure.content.worked_out.message_id[:MESSAGE_ID_CHARACTERS],
    }


def _recipients(message: NewQueuedMessage, chosen: Rules) -> Iterable[dict[str, Any]]:
    for recipient in message.all_recipients:
        name, route_id = way_of(message, recipient, chosen)
        yield {"name": name, "route_id": route_id, **recipient_row(message, recipient, is_captured=False)}


def _json(rows: Iterable[dict[str, Any]]) -> bytes:
    return json.dumps(list(rows)).encode()
