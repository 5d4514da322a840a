"""Putting messages into the queue: a handful of set-based statements inside the caller's transaction.

Locks on destination rows come last in every transaction, by name and route. FOR KEY SHARE is enough here: it keeps a
worker from putting a destination to rest (see claim.py) while something is being added to it, and nobody else waits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from delivery.models import LOCAL, RecipientState, ReportDue
from delivery.models.trace import Event
from delivery.queue.notices import relay_is_due
from delivery.queue.route_rules import SETTINGS, Rules, rules, sending_domain
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
# Both tables in one statement: each is a way to the database and back. As JSON, because psycopg dumps lists element by
# element. number: the message's, in both.
INSERT = b"""
WITH message AS MATERIALIZED (
    SELECT nextval('delivery_queuedmessage_id_seq') AS id, row.*
      FROM json_to_recordset(%(messages)s::json)
           row(number integer, content_id bigint, account_id bigint, reverse_path text, size_octets integer, body text,
               is_smtputf8 boolean, envid text, ret text, requires_tls boolean, ignores_tls boolean,
               release_at timestamptz, future_release text, forwarded_by text, deliver_by timestamptz,
               deliver_by_mode text, outbox_mailbox_id bigint, outbox_uid bigint, goes_to_sent boolean)),
queued AS (
    INSERT INTO delivery_queuedmessage (id, content_id, account_id, reverse_path, size_octets, body, is_smtputf8, envid,
                                        ret, requires_tls, ignores_tls, release_at, future_release, forwarded_by,
                                        deliver_by, deliver_by_mode, outbox_mailbox_id, outbox_uid, goes_to_sent,
                                        created_at, expires_at, message_id_field)
    SELECT id, content_id, account_id, reverse_path, size_octets, body, is_smtputf8, envid, ret, requires_tls,
           ignores_tls, release_at, future_release, forwarded_by, deliver_by, deliver_by_mode, outbox_mailbox_id,
           outbox_uid, goes_to_sent, %(now)s, coalesce(release_at, %(now)s) + %(lifetime)s,
           coalesce((SELECT left(message_id, 500) FROM mailboxes_content WHERE id = message.content_id), '')
      FROM message),
waiting AS (
    INSERT INTO delivery_queuedrecipient (message_id, destination_id, forward_path, orcpt, notify, state, attempts,
                                          next_attempt_at, last_reply, last_status, last_host, report_due, finished_at,
                                          original_path)
    SELECT ((SELECT array_agg(id ORDER BY number) FROM message))[number], destination_id, forward_path, orcpt, notify,
           state, 0, coalesce(release_at, %(now)s), '', status, '', report_due,
           CASE WHEN state IN ('queued', 'waiting', 'held') THEN NULL ELSE %(now)s::timestamptz END, original_path
      FROM json_to_recordset(%(recipients)s::json)
           row(number integer, destination_id bigint, release_at timestamptz, forward_path text, orcpt text,
               notify text, original_path text, state text, status text, report_due text))
SELECT id FROM message ORDER BY number
"""

Row = dict[str, Any]
Way = tuple[str, int]  # a destination's name and route


@dataclass(frozen=True, slots=True)
class NewRecipient:
    """A forward-path (without brackets) with RFC 3461's parameters as they came, or "".

    is_delivered: it has the message already, here, and the reverse-path is to be told so (NOTIFY=SUCCESS);
    is_expanded: it is an alias of which that is to be told that it has led on to several.
    is_local: it leads to accounts here, and is delivered there when the message is released.
    original_path: as in QueuedRecipient.
    """

    forward_path: str
    orcpt: str = ""
    notify: str = ""
    is_delivered: bool = False
    is_local: bool = False
    is_expanded: bool = False
    original_path: str = ""

    @property
    def destination(self) -> str:
        """The name of where it goes."""
        return LOCAL if self.is_local or self.is_expanded else domain_of(self.forward_path)


@dataclass(frozen=True, slots=True)
class NewQueuedMessage:
    """A message to be relayed. reverse_path is "" for the null one; forward_paths and recipients are added up.

    is_held: its recipients wait until an operator releases them. release_at: and not before this moment;
    future_release, deliver_by, deliver_by_mode and goes_to_sent: as in QueuedMessage. outbox: where it stands until
    then, a mailbox's id and a UID.
    """

    content_id: int
    reverse_path: str
    size_octets: int
    forward_paths: Sequence[str] = ()
    recipients: Sequence[NewRecipient] = ()
    account_id: int | None = None
    body: str = "8BITMIME"
    smtputf8: bool = False
    envid: str = ""
    ret: str = ""
    requires_tls: bool = False
    ignores_tls: bool = False
    is_held: bool = False
    release_at: datetime | None = None
    future_release: str = ""
    forwarded_by: str = ""
    deliver_by: datetime | None = None
    deliver_by_mode: str = ""
    outbox: tuple[int, int] | None = None
    goes_to_sent: bool = False
    all_recipients: tuple[NewRecipient, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        added = tuple(NewRecipient(path) for path in self.forward_paths)
        object.__setattr__(self, "all_recipients", (*self.recipients, *added))


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
            "destination_id": destinations[_way(message, each, chosen)],
            "release_at": _text(message.release_at),
            **_columns(each, waiting=_first_state(message, each, is_captured=is_captured)),
        }
        for number, message in enumerate(messages, 1)
        for each in message.all_recipients
    ]
    values = {
        "messages": json.dumps([_row(number, message) for number, message in enumerate(messages, 1)]),
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


def _first_state(message: NewQueuedMessage, recipient: NewRecipient, *, is_captured: bool) -> RecipientState:
    """What waits for its time is captured when that has come (see claim.py)."""
    if message.is_held:
        return RecipientState.HELD
    if message.release_at is not None:
        return RecipientState.WAITING
    return RecipientState.CAPTURED if is_captured and not recipient.is_local else RecipientState.QUEUED


def _columns(recipient: NewRecipient, *, waiting: RecipientState) -> Row:
    state, status, report = waiting, "", ReportDue.NOTHING
    if recipient.is_expanded:
        state, status, report = RecipientState.DELIVERED, "2.1.5", ReportDue.RELAYED
    elif recipient.is_delivered:
        state, status, report = RecipientState.DELIVERED, "2.0.0", ReportDue.DELIVERED_HERE
    return {
        "forward_path": recipient.forward_path,
        "orcpt": recipient.orcpt,
        "notify": recipient.notify,
        "original_path": recipient.original_path,
        "state": state.value,
        "status": status,
        "report_due": report.value,
    }


def domain_of(forward_path: str) -> str:
    """The destination's name: an A-label or an address literal."""
    return forward_path.rpartition("@")[2].lower()


def _row(number: int, message: NewQueuedMessage) -> Row:
    mailbox_id, uid = message.outbox or (None, None)
    return {
        "number": number,
        "content_id": message.content_id,
        "account_id": message.account_id,
        "reverse_path": message.reverse_path,
        "size_octets": message.size_octets,
        "body": message.body,
        "is_smtputf8": message.smtputf8,
        "envid": message.envid,
        "ret": message.ret,
        "requires_tls": message.requires_tls,
        "ignores_tls": message.ignores_tls,
        "release_at": _text(message.release_at),
        "future_release": message.future_release,
        "forwarded_by": message.forwarded_by,
        "deliver_by": _text(message.deliver_by),
        "deliver_by_mode": message.deliver_by_mode,
        "outbox_mailbox_id": mailbox_id,
        "outbox_uid": uid,
        "goes_to_sent": message.goes_to_sent,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _way(message: NewQueuedMessage, recipient: NewRecipient, chosen: Rules) -> Way:
    name = recipient.destination
    if name == LOCAL:
        return name, SETTINGS
    sender = sending_domain(reverse_path=message.reverse_path, forwarded_by=message.forwarded_by)
    return name, chosen.choose(name, sender)


def _destinations(
    messages: Sequence[NewQueuedMessage], chosen: Rules, *, now: datetime, wakes: bool
) -> tuple[dict[Way, int], bool]:
    """The destinations' ids, made where new, and woken where they rest; whether a worker has to be told."""
    ways: set[Way] = set()
    waiting: set[Way] = set()
    for message in messages:
        for each in message.all_recipients:
            ways.add(way := _way(message, each, chosen))
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
