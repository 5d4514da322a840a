"""Putting messages into the queue: a handful of set-based statements inside the caller's transaction.

Locks on destination rows come last in every transaction, by name and route. FOR KEY SHARE is enough here: it keeps a
worker from putting a destination to rest (see claim.py) while something is being added to it, and nobody else waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from delivery.models import LOCAL, RecipientState, ReportDue
from delivery.models.trace import Event
from delivery.queue.notices import relay_is_due
from delivery.queue.route_rules import SETTINGS, Rules, rules, sending_domain
from delivery.trace.outbound import note
from mailhost.net.database import cursor

NEXT_MESSAGE_IDS = b"SELECT nextval('delivery_queuedmessage_id_seq') FROM generate_series(1, %s)"
INSERT_MESSAGES = b"""
INSERT INTO delivery_queuedmessage (id, content_id, account_id, reverse_path, size_octets, body, is_smtputf8, envid,
                                    ret, requires_tls, ignores_tls, release_at, future_release, forwarded_by,
                                    deliver_by, deliver_by_mode, outbox_mailbox_id, outbox_uid, goes_to_sent,
                                    created_at, expires_at, message_id_field)
SELECT id, content_id, account_id, reverse_path, size_octets, body, is_smtputf8, envid, ret, requires_tls,
       ignores_tls, release_at, future_release, forwarded_by, deliver_by, deliver_by_mode, outbox_mailbox_id,
       outbox_uid, goes_to_sent, %s, coalesce(release_at, %s) + %s,
       coalesce((SELECT left(message_id, 500) FROM mailboxes_content WHERE id = row.content_id), '')
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::integer[], %s::text[], %s::boolean[],
              %s::text[], %s::text[], %s::boolean[], %s::boolean[], %s::timestamptz[], %s::text[], %s::text[],
              %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::boolean[])
       row(id, content_id, account_id, reverse_path, size_octets, body, is_smtputf8, envid, ret, requires_tls,
           ignores_tls, release_at, future_release, forwarded_by, deliver_by, deliver_by_mode, outbox_mailbox_id,
           outbox_uid, goes_to_sent)
"""
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
INSERT_RECIPIENTS = b"""
INSERT INTO delivery_queuedrecipient (message_id, destination_id, forward_path, orcpt, notify, state, attempts,
                                      next_attempt_at, last_reply, last_status, last_host, report_due, finished_at,
                                      original_path)
SELECT message_id, destination_id, forward_path, orcpt, notify, state, 0, coalesce(release_at, %s), '', status, '',
       report_due, CASE WHEN state IN ('queued', 'waiting', 'held') THEN NULL ELSE %s::timestamptz END, original_path
  FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],
              %s::text[], %s::text[], %s::text[])
       row(message_id, destination_id, release_at, forward_path, orcpt, notify, original_path, state, status,
           report_due)
"""

CAPTURED = (
    b"SELECT id FROM delivery_queuedrecipient WHERE message_id = ANY(%s::bigint[]) AND state = 'captured'"
)

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
    ids = _insert_messages(messages, now=now)
    chosen = rules()
    destinations, is_news = _destinations(messages, chosen, now=now, wakes=not is_captured)
    rows = [
        (
            message_id,
            destinations[_way(message, each, chosen)],
            message.release_at,
            *_columns(each, waiting=_first_state(message, each, is_captured=is_captured)),
        )
        for message_id, message in zip(ids, messages, strict=True)
        for each in message.all_recipients
    ]
    with cursor() as sql:
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 10
        sql.execute(INSERT_RECIPIENTS, (now, now, *columns))
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


def _columns(recipient: NewRecipient, *, waiting: RecipientState) -> tuple[str, str, str, str, str, str, str]:
    """(forward_path, orcpt, notify, original_path, state, status, report_due)."""
    asked = (recipient.forward_path, recipient.orcpt, recipient.notify, recipient.original_path)
    if recipient.is_expanded:
        return (*asked, RecipientState.DELIVERED.value, "2.1.5", ReportDue.RELAYED.value)
    if recipient.is_delivered:
        return (*asked, RecipientState.DELIVERED.value, "2.0.0", ReportDue.DELIVERED_HERE.value)
    return (*asked, waiting.value, "", ReportDue.NOTHING.value)


def domain_of(forward_path: str) -> str:
    """The destination's name: an A-label or an address literal."""
    return forward_path.rpartition("@")[2].lower()


def _insert_messages(messages: Sequence[NewQueuedMessage], *, now: datetime) -> list[int]:
    with cursor() as sql:
        ids = [row[0] for row in sql.execute(NEXT_MESSAGE_IDS, (len(messages),))]
        columns = (
            ids,
            [each.content_id for each in messages],
            [each.account_id for each in messages],
            [each.reverse_path for each in messages],
            [each.size_octets for each in messages],
            [each.body for each in messages],
            [each.smtputf8 for each in messages],
            [each.envid for each in messages],
            [each.ret for each in messages],
            [each.requires_tls for each in messages],
            [each.ignores_tls for each in messages],
            [each.release_at for each in messages],
            [each.future_release for each in messages],
            [each.forwarded_by for each in messages],
            [each.deliver_by for each in messages],
            [each.deliver_by_mode for each in messages],
            [each.outbox and each.outbox[0] for each in messages],
            [each.outbox and each.outbox[1] for each in messages],
            [each.goes_to_sent for each in messages],
        )
        lifetime = timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)
        sql.execute(INSERT_MESSAGES, (now, now, lifetime, *columns))
    return ids


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
