"""What an operator does to recipients of the queue, over all that a filter finds: in batches, each a short transaction.

Locks: destinations first and by name, as in outcomes.py, then recipients and messages, and of these only what nobody
else holds: so a verb never waits for a recipient, and no circle of waiting can close. What was held by another then is
counted as busy, as is what may be in the middle of being sent, for the verbs that must not touch that:

- hold, cancel, defer and retry change a row that is being sent, but not what comes of it: outcomes.py writes that it
  was delivered whatever the state, and nothing else over held or cancelled. A try that fails sets the time anew.
- bounce would tell the sender of a failure that was none, and redirect would let a second worker send it. Both leave
  alone what waits for a destination that is claimed, and say so. Who wants it holds it first: the look then ends.

Who holds is kept (held_by): administrators of a domain let go what they hold themselves, an operator everything, and
an operator who holds it as well takes it over.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from delivery.models import LOCAL, Holder, RecipientState
from delivery.models.trace import Event
from delivery.queue.filtering import UNFINISHED, QueueFilter, find
from delivery.queue.notices import relay_is_due
from delivery.queue.route_rules import SETTINGS, rules
from delivery.suppression_holding import hold_back_released
from delivery.trace.outbound import note
from domains.exceptions import InvalidAddress
from domains.registration import domain_name
from mailhost.audit.trail import record
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.bounce_causes import Cause

BATCH: Final = 2_000  # recipients of one transaction
BOUNCED_STATUS: Final = "5.7.0"  # RFC 3463 section 3.8: other security or policy status
BOUNCED_BY: Final = {
    Holder.OPERATOR: "The message was given up by an operator of this host",
    Holder.ADMINISTRATOR: "The message was given up by an administrator of the domain that it is from",
}


class Verb(StrEnum):
    """What can be done."""

    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    DEFER = "defer"
    BOUNCE = "bounce"
    CANCEL = "cancel"
    REDIRECT = "redirect"


# From which states each verb leads anywhere.
FROM: Final[dict[Verb, tuple[RecipientState, ...]]] = {
    Verb.HOLD: (RecipientState.QUEUED, RecipientState.WAITING, RecipientState.DEFERRED),
    Verb.RELEASE: (RecipientState.HELD,),
    Verb.RETRY: (RecipientState.QUEUED, RecipientState.DEFERRED),
    Verb.DEFER: (RecipientState.QUEUED, RecipientState.DEFERRED),
    Verb.BOUNCE: UNFINISHED,
    Verb.CANCEL: UNFINISHED,
    Verb.REDIRECT: UNFINISHED,
}
EVENTS: Final = {
    Verb.HOLD: Event.HELD,
    Verb.RELEASE: Event.RELEASED,
    Verb.RETRY: Event.HURRIED,
    Verb.DEFER: Event.DEFERRED,
    Verb.BOUNCE: Event.BOUNCED,
    Verb.CANCEL: Event.CANCELLED,
    Verb.REDIRECT: Event.REDIRECTED,
}
ENDS: Final = frozenset({Verb.BOUNCE, Verb.CANCEL})
LEAVES_CLAIMED_ALONE: Final = frozenset({Verb.BOUNCE, Verb.REDIRECT})
WAKES: Final = frozenset({Verb.RELEASE, Verb.RETRY, Verb.REDIRECT})

ADD_DESTINATION = b"""
INSERT INTO delivery_destination (name, route_id, failures, last_reply) VALUES (%s, %s, 0, '')
    ON CONFLICT (name, route_id) DO NOTHING
"""
LOCK_DESTINATIONS = b"""
SELECT id, name, claim_token IS NOT NULL AND claimed_until > %s, route_id FROM delivery_destination
 WHERE id = ANY(%s::bigint[]) OR (name = %s AND route_id = %s) ORDER BY name, route_id FOR NO KEY UPDATE
"""
UPDATES: Final[dict[Verb, bytes]] = {
    Verb.HOLD: b"""
UPDATE delivery_queuedrecipient SET state = 'held', held_by = %(holder)s WHERE id = ANY(%(ids)s::bigint[])
""",
    Verb.RELEASE: b"""
WITH prolonged AS (
    UPDATE delivery_queuedmessage message
       SET expires_at = coalesce(release_at, %(now)s) + %(lifetime)s, released_at = %(now)s
     WHERE id IN (SELECT message_id FROM delivery_queuedrecipient WHERE id = ANY(%(ids)s::bigint[])))
UPDATE delivery_queuedrecipient recipient
   SET state = CASE WHEN message.release_at IS NULL THEN 'queued' ELSE 'waiting' END, held_by = '',
       next_attempt_at = coalesce(message.release_at, %(now)s)
  FROM delivery_queuedmessage message
 WHERE message.id = recipient.message_id AND recipient.id = ANY(%(ids)s::bigint[])
""",
    Verb.RETRY: b"""
UPDATE delivery_queuedrecipient SET next_attempt_at = %(now)s WHERE id = ANY(%(ids)s::bigint[])
""",
    # Beyond its time: a try that is the last one at once would be no putting off.
    Verb.DEFER: b"""
WITH prolonged AS (
    UPDATE delivery_queuedmessage SET expires_at = %(until)s + %(lifetime)s
     WHERE id IN (SELECT message_id FROM delivery_queuedrecipient WHERE id = ANY(%(ids)s::bigint[]))
       AND expires_at <= %(until)s)
UPDATE delivery_queuedrecipient SET state = 'deferred', next_attempt_at = %(until)s WHERE id = ANY(%(ids)s::bigint[])
""",
    # Who is told of a failure: RFC 3461 section 4.1, and never the null reverse-path.
    Verb.BOUNCE: b"""
UPDATE delivery_queuedrecipient recipient
   SET state = 'bounced', last_reply = %(reply)s, last_status = %(status)s, last_host = '', finished_at = %(now)s,
       cause = %(cause)s, report_due = CASE WHEN message.reverse_path <> ''
                          AND (recipient.notify = '' OR upper(recipient.notify) LIKE '%%FAILURE%%')
                         THEN 'failed' ELSE '' END
  FROM delivery_queuedmessage message
 WHERE message.id = recipient.message_id AND recipient.id = ANY(%(ids)s::bigint[])
""",
    Verb.CANCEL: b"""
UPDATE delivery_queuedrecipient SET state = 'cancelled', finished_at = %(now)s WHERE id = ANY(%(ids)s::bigint[])
""",
    # What is held or waits for its time goes on doing so; what is due is due at the new destination now.
    Verb.REDIRECT: b"""
UPDATE delivery_queuedrecipient recipient
   SET destination_id = %(target)s,
       redirected_from = CASE WHEN redirected_from = ''
                              THEN (SELECT name FROM delivery_destination WHERE id = recipient.destination_id)
                              ELSE redirected_from END,
       next_attempt_at = CASE WHEN state = 'deferred' THEN %(now)s ELSE next_attempt_at END
 WHERE id = ANY(%(ids)s::bigint[])
""",
}
# Where nothing of a message waits any more, its time is over with it. What stands in an Outbox goes from there to the
# sent mail in the next round (waiting.py), as if its time had come; there its sender finds what became of it.
FORGET_TIME = b"""
UPDATE delivery_queuedmessage message SET release_at = CASE WHEN outbox_uid IS NULL THEN NULL ELSE %s::timestamptz END
 WHERE id IN (SELECT message_id FROM delivery_queuedrecipient WHERE id = ANY(%s::bigint[])) AND release_at IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM delivery_queuedrecipient recipient
                    WHERE recipient.message_id = message.id AND recipient.state IN ('waiting', 'held'))
"""
# An operator's word wakes a destination that fails, too.
WAKE = b"""
UPDATE delivery_destination destination SET next_attempt_at = %s
 WHERE id = ANY(%s::bigint[]) AND (next_attempt_at IS NULL OR next_attempt_at > %s)
   AND EXISTS (SELECT 1 FROM delivery_queuedrecipient WHERE destination_id = destination.id
                  AND state IN ('queued', 'deferred'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One verb with what it needs. until: of defer. to: the next hop's domain, of redirect. reply: of bounce; "" says
    who gave it up.

    holder: as whom it is ordered.
    """

    verb: Verb
    holder: Holder = Holder.OPERATOR
    until: datetime | None = None
    to: str = ""
    reply: str = ""

    def __post_init__(self) -> None:
        if (self.verb is Verb.DEFER) != (self.until is not None):
            raise ValueError("a time belongs to defer, and to nothing else")
        if (self.verb is Verb.REDIRECT) != bool(self.to):
            raise ValueError("a destination belongs to redirect, and to nothing else")

    @property
    def bounced_with(self) -> str:
        """What the sender is told."""
        return self.reply or BOUNCED_BY[self.holder]


def next_hop(text: str) -> str:
    """A destination's name, of a domain, a host, or an address in brackets (RFC 5321 section 4.1.3). Raises
    InvalidAddress.
    """
    text = text.strip()
    if not text.startswith("["):
        return domain_name(text)
    try:
        return EmailAddress.parse(f"postmaster@{text}").domain.lower()
    except AddressSyntaxError as error:
        raise InvalidAddress(f"{text!r} is no next hop: {error}") from error


@dataclass(frozen=True, slots=True)
class Run:
    """How far a verb has come, which is all that is needed to go on. What is queued after it began is not meant."""

    last_id: int
    after_id: int = 0
    changed: int = 0
    busy: int = 0

    @property
    def is_over(self) -> bool:
        """Nothing is left to look at."""
        return self.after_id >= self.last_id


def meant(order: Order, asked: QueueFilter) -> QueueFilter:
    """What the order is about, of all that the filter finds. Raises ValueError where it leads nowhere."""
    return meant_by(order.verb, asked, holder=order.holder)


def meant_by(verb: Verb, asked: QueueFilter, *, holder: Holder) -> QueueFilter:
    """The filter without the states from which the verb leads nowhere, nor what another has held.

    Raises ValueError where no state is left.
    """
    is_operator = holder is Holder.OPERATOR
    takes_over = verb is Verb.HOLD and is_operator
    leads = (*FROM[verb], RecipientState.HELD) if takes_over else FROM[verb]
    states = tuple(state for state in leads if not asked.states or state in asked.states)
    if not states:
        raise ValueError(f"nothing in these states can be told to {verb}")
    theirs = takes_over or (verb is Verb.RELEASE and not is_operator)
    return replace(asked, states=states, held_by=(Holder.ADMINISTRATOR,) if theirs else asked.held_by)


def begin(*, order: Order, asked: QueueFilter) -> Run:
    """Over all that the filter finds now."""
    last = find(meant(order, asked)).aggregate(last=Max("pk"))["last"]
    return Run(last_id=last or 0)


def advance(*, order: Order, asked: QueueFilter, run: Run, by: str, now: datetime) -> Run:
    """One batch more, in a transaction with its row in the audit trail; where the run stands then.

    After a crash the run goes on from the last one that was returned: what is done is in a state from which the verb
    leads nowhere, or is done once more to no effect.
    """
    asked = meant(order, asked)
    with transaction.atomic():
        rows = find(asked).filter(pk__gt=run.after_id, pk__lte=run.last_id).order_by("pk")
        found = list(rows.values_list("pk", "destination_id")[:BATCH])
        if not found:
            return Run(run.last_id, run.last_id, run.changed, run.busy)
        ids = [pk for pk, _ in found]
        open_ids, target = _lock_destinations(order, {destination for _, destination in found}, now=now)
        locked = _lock_recipients(order, asked, ids, open_ids, target)
        changed = _apply(order, locked, target=target, now=now)
        busy = _busy(order, asked, ids, [pk for pk, _ in locked])
        if changed:
            record(by=by, verb=f"queue {order.verb}", subject=_subject(asked), **_told(order, asked, changed))
        if order.verb in WAKES:
            transaction.on_commit(relay_is_due)
    after = ids[-1] if len(found) == BATCH else run.last_id
    return Run(run.last_id, after, run.changed + changed, run.busy + busy)


def _lock_destinations(order: Order, ids: Collection[int], *, now: datetime) -> tuple[list[int], int | None]:
    """Those whose recipients may be touched, and the one that a redirect leads to."""
    # Whose mail it is may lead by another route: the look moves it (queue/route_moves.py).
    route = rules().choose(order.to, "") if order.to else SETTINGS
    with cursor() as sql:
        if order.to:
            sql.execute(ADD_DESTINATION, (order.to, route))
        rows = sql.execute(LOCK_DESTINATIONS, (now, list(ids), order.to or None, route)).fetchall()
    target = next((row[0] for row in rows if order.to and (row[1], row[3]) == (order.to, route)), None)
    if order.to and target is None:
        return (
            [],
            None,
        )  # it was cleaned away in this very moment: all are busy, and the next run finds it anew
    leaves = order.verb in LEAVES_CLAIMED_ALONE
    # What is delivered here is for accounts of this host: no other host is to have it instead.
    stays = order.verb is Verb.REDIRECT
    return [row[0] for row in rows if not (leaves and row[2]) and not (stays and row[1] == LOCAL)], target


def _lock_recipients(
    order: Order, asked: QueueFilter, ids: Sequence[int], destinations: Sequence[int], target: int | None
) -> list[tuple[int, int]]:
    """(id, destination id) of those that are still meant and that nobody else has locked."""
    rows = find(asked).filter(pk__in=ids, destination_id__in=destinations)
    if target is not None:
        rows = rows.exclude(destination_id=target)
    locked = rows.select_for_update(skip_locked=True, no_key=True, of=("self", "message")).select_related(
        "message"
    )
    return [(row.pk, row.destination_id) for row in locked.only("pk", "destination_id", "message__id")]


def _apply(order: Order, locked: Sequence[tuple[int, int]], *, target: int | None, now: datetime) -> int:
    if not locked:
        return 0
    ids = [pk for pk, _ in locked]
    values = {
        "ids": ids,
        "now": now,
        "lifetime": timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS),
        "until": order.until,
        "reply": order.bounced_with,
        "status": BOUNCED_STATUS,
        "cause": Cause.GIVEN_UP.value,
        "target": target,
        "holder": order.holder.value,
    }
    with cursor() as sql:
        sql.execute(UPDATES[order.verb], values)
        cause = Cause.GIVEN_UP.value if order.verb is Verb.BOUNCE else ""
        note(ids, event=EVENTS[order.verb], now=now, reply=_in_words(order), cause=cause)
        if order.verb is Verb.RELEASE:
            hold_back_released(recipient_ids=ids, now=now)
        if order.verb in ENDS:
            sql.execute(FORGET_TIME, (now, values["ids"]))
        if order.verb in WAKES:
            woken = [target] if target is not None else sorted({destination for _, destination in locked})
            sql.execute(WAKE, (now, woken, now))
    return len(locked)


def _in_words(order: Order) -> str:
    """For the trace, which the sender reads as well: not who it was."""
    by = "By an operator" if order.holder is Holder.OPERATOR else "By an administrator of the domain"
    match order.verb:
        case Verb.BOUNCE:
            return order.bounced_with
        case Verb.REDIRECT:
            return f"{by}, to {order.to}"
        case Verb.DEFER if order.until is not None:
            return f"{by}, until {order.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return by


def _busy(order: Order, asked: QueueFilter, ids: Sequence[int], changed: Collection[int]) -> int:
    """How many of the batch were meant and are as they were: claimed, or in another transaction's hands."""
    left = find(asked).filter(pk__in=ids).exclude(pk__in=changed)
    if order.verb is Verb.REDIRECT:
        left = left.exclude(destination__name__in=(order.to, LOCAL))
    return left.count()


def _subject(asked: QueueFilter) -> str:
    for name in ("sender", "recipient", "domain", "next_hop", "account"):
        if value := getattr(asked, name):
            return str(value)
    return f"R{asked.ids[0]}" if len(asked.ids) == 1 else "queue"


def _told(order: Order, asked: QueueFilter, changed: int) -> dict[str, object]:
    told: dict[str, object] = {"count": changed, "filter": asked.told()}
    if order.until is not None:
        told["until"] = order.until.isoformat()
    if order.to:
        told["to"] = order.to
    if order.verb is Verb.BOUNCE:
        told["reply"] = order.bounced_with
    return told
