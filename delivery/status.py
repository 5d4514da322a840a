"""What became of what an account has sent, for its sender: each recipient's place in the queue, and who took it.

A message is known by its Message-ID, as mail clients keep a copy of their own in Sent; whoever asks is an account, and
sees only what that account submitted. The queue tells of what went elsewhere or had to wait, the trace of what was put
into a mailbox here at once. That a filter put it into Junk there is its owner's business, and not told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from delivery.certificate_verdicts import is_verified
from delivery.models import RecipientState
from delivery.models.trace import Outcome
from delivery.queue.causes import CAUSE_NOW_SQL
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import cause_words

MAX_SHOWN: Final = 200  # recipients that are told one by one, those first that need somebody
MAX_SUBMISSIONS: Final = 20  # of one Message-ID: a program may give all its messages the same one
MAX_TRACED: Final = 10_000  # rows of the trace that are looked at
MAX_MESSAGE_ID: Final = 500  # characters, as queue/enqueue.py and trace.py cut it
MAX_REPLY: Final = 500  # characters of what the other server said

FAILED: Final = (RecipientState.BOUNCED, RecipientState.EXPIRED)
MOVING: Final = (RecipientState.QUEUED, RecipientState.DEFERRED, RecipientState.WAITING)
ORDER: Final = (
    *FAILED,
    RecipientState.DEFERRED,
    RecipientState.HELD,
    RecipientState.QUEUED,
    RecipientState.WAITING,
    RecipientState.CAPTURED,
    RecipientState.CANCELLED,
    RecipientState.DELIVERED,
)

# A destination that fails puts off all that waits for it in its own row (queue/destination_outcomes.py).
SENT = (
    """
WITH message AS MATERIALIZED (
    SELECT sent.* FROM unnest(%(message_ids)s::text[]) asked(message_id)
     CROSS JOIN LATERAL (
           SELECT id, message_id_field AS message_id, release_at FROM delivery_queuedmessage
            WHERE account_id = %(account_id)s AND message_id_field = asked.message_id AND message_id_field <> ''
            ORDER BY id DESC LIMIT %(submissions)s) sent),
queued AS (
    SELECT message.message_id, message.id AS queue_id, recipient.id, recipient.last_attempt_at,
           recipient.forward_path,
           CASE WHEN returned.id IS NOT NULL THEN 'bounced'
                WHEN recipient.state = 'queued' AND destination.failures > 0 THEN 'deferred' ELSE recipient.state
            END AS state,
           CASE WHEN returned.id IS NOT NULL THEN returned.at
                WHEN recipient.state = 'waiting' THEN message.release_at
                ELSE coalesce(recipient.finished_at, recipient.last_attempt_at, destination.last_attempt_at)
            END AS at,
           CASE WHEN recipient.state IN ('queued', 'deferred')
                THEN CASE WHEN destination.failures > 0
                          THEN greatest(recipient.next_attempt_at, destination.next_attempt_at)
                          ELSE recipient.next_attempt_at END END AS next_at,
           CASE WHEN recipient.state IN ('queued', 'deferred') AND destination.failures > 0
                THEN '' ELSE recipient.last_host END AS host,
           CASE WHEN recipient.state IN ('queued', 'deferred') AND destination.failures > 0
                THEN destination.last_reply ELSE coalesce(returned.diagnostic, recipient.last_reply) END AS reply,
           coalesce(returned.status, recipient.last_status) AS status,
           coalesce(returned.cause, """
    + CAUSE_NOW_SQL
    + """) AS cause, returned.id IS NOT NULL AS came_back,
           destination.name = '' OR (recipient.state = 'delivered' AND recipient.attempts = 0) AS is_here
      FROM message JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
                   JOIN delivery_destination destination ON destination.id = recipient.destination_id
                   LEFT JOIN delivery_returnedmail returned ON recipient.state = 'delivered'
                    AND returned.queued_recipient_id = recipient.id AND returned.kind = 'bounce'
     WHERE NOT (destination.name = '' AND recipient.state = 'delivered' AND recipient.attempts = 0))
"""
)  # the last: an alias that led on to several, which are told one by one
ALL = (
    SENT
    + """,
placed AS (
    SELECT forward_path, outcome, at FROM delivery_inboundtrace
     WHERE message_id = %(message_id)s AND message_id <> '' AND login = %(login)s AND outcome = ANY(%(placed)s)
     LIMIT %(traced)s),
newest AS MATERIALIZED (
    SELECT DISTINCT ON (lower(forward_path)) * FROM (
        SELECT queue_id, id, last_attempt_at, forward_path, state, at, next_at, host, reply, status, is_here,
               cause, came_back
          FROM queued
         UNION ALL
        SELECT NULL, NULL, NULL, forward_path, CASE WHEN outcome = %(held)s THEN 'held' ELSE 'delivered' END, at,
               NULL, '', '', '', true, '', false
          FROM placed) either
     ORDER BY lower(forward_path), id DESC NULLS LAST, at DESC)
SELECT newest.forward_path, newest.state, newest.at, newest.next_at, newest.host, coalesce(attempt.address, ''),
       coalesce(attempt.tls, ''), coalesce(attempt.certificate, ''), newest.status,
       left(newest.reply, %(reply)s), newest.is_here, newest.cause, newest.came_back,
       (SELECT json_object_agg(state, number) FROM (SELECT state, count(*) AS number FROM newest GROUP BY state) each)
  FROM (SELECT * FROM newest
         ORDER BY array_position(%(order)s::text[], state), lower(forward_path) LIMIT %(shown)s) newest
  LEFT JOIN LATERAL (SELECT address, tls, certificate FROM delivery_attempt
                      WHERE queue_id = newest.queue_id AND recipient_id = newest.id
                        AND at = newest.last_attempt_at AND host <> '' LIMIT 1) attempt ON true
 ORDER BY array_position(%(order)s::text[], newest.state), lower(newest.forward_path)
"""
)
COUNTS = (
    SENT
    + """
SELECT message_id, state, count(*) FROM (
    SELECT DISTINCT ON (message_id, lower(forward_path)) message_id, state FROM queued
     ORDER BY message_id, lower(forward_path), id DESC) newest
 GROUP BY message_id, state
"""
)


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """One recipient. at: when it came to this state, or is to leave (WAITING); next_at: the next try, None where none
    is due.

    host, address, tls, certificate: who was spoken to last, and how ("" in clear); reply: their words, or ours;
    is_here: it goes into a mailbox here. cause: why it did not arrive or waits, None where nothing stands against it.
    came_back: host had taken it, and it was returned later, at `at` (BOUNCED); reply is then what that notice says.
    """

    forward_path: str
    state: RecipientState
    at: datetime | None
    next_at: datetime | None
    host: str
    address: str
    tls: str
    certificate: str
    status: str
    reply: str
    is_here: bool
    cause: Cause | None = None
    came_back: bool = False

    @property
    def meaning(self) -> str:
        """What the cause means, in a sentence; "" where there is none."""
        return cause_words(self.cause, reply=self.reply)[0] if self.cause else ""

    @property
    def step(self) -> str:
        """What the sender can do about it; "" where nothing is to be done."""
        return cause_words(self.cause, reply=self.reply)[1] if self.cause else ""

    @property
    def is_verified(self) -> bool:
        """The other host was encrypted to, and known to be who it was meant to be (DANE, MTA-STS)."""
        return is_verified(self.certificate)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients are in each state."""

    by_state: Mapping[RecipientState, int]

    def of(self, *states: RecipientState) -> int:
        """How many are in one of these."""
        return sum(self.by_state.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.by_state.values())

    @property
    def failed(self) -> int:
        """How many it will not reach."""
        return self.of(*FAILED)

    @property
    def is_moving(self) -> bool:
        """Something is under way still."""
        return self.of(*MOVING) > 0


@dataclass(frozen=True, slots=True)
class Status:
    """recipients: up to MAX_SHOWN, in ORDER; counts has all of them. message_id: by which it was asked for."""

    message_id: str
    counts: Counts
    recipients: tuple[RecipientStatus, ...]

    @property
    def left_out(self) -> int:
        """How many are not told one by one."""
        return self.counts.total - len(self.recipients)


def read_status(*, account_id: int, login: str, message_id: str) -> Status | None:
    """What became of the message of this Message-ID that the account submitted; None where nothing is known (any
    more). One statement, whatever the number of recipients.

    Of a recipient that it was submitted for more than once the newest is told.
    """
    message_id = message_id.replace("\0", "")[:MAX_MESSAGE_ID]
    asked = _asked(account_id, [message_id]) | {
        "message_id": message_id,
        "login": login,
        "placed": [Outcome.ACCEPTED.value, Outcome.JUNK.value, Outcome.QUARANTINED.value],
        "held": Outcome.QUARANTINED.value,
        "traced": MAX_TRACED,
        "order": [state.value for state in ORDER],
        "shown": MAX_SHOWN,
        "reply": MAX_REPLY,
    }
    with cursor() as sql:
        rows = sql.execute(ALL.encode(), asked).fetchall()
    if not rows:
        return None
    counts = {RecipientState(state): number for state, number in rows[0][-1].items()}
    recipients = (_recipient(row[:-1]) for row in rows)
    return Status(message_id, Counts(counts), tuple(recipients))


def _recipient(row: tuple[Any, ...]) -> RecipientStatus:
    path, state, *others, cause, came_back = row
    values = [*others, Cause(cause) if cause else None, came_back]
    return RecipientStatus(path, RecipientState(state), *values)


def read_counts(*, account_id: int, message_ids: Sequence[str]) -> dict[str, Counts]:
    """The same in numbers for a page of messages, by Message-ID, as far as the queue knows of them. One statement."""
    asked = {each[:MAX_MESSAGE_ID]: each for each in message_ids if each and "\0" not in each}
    found: dict[str, dict[RecipientState, int]] = {}
    with cursor() as sql:
        rows = sql.execute(COUNTS.encode(), _asked(account_id, list(asked)))
        for message_id, state, number in rows:
            found.setdefault(asked[message_id], {})[RecipientState(state)] = number
    return {message_id: Counts(by_state) for message_id, by_state in found.items()}


def _asked(account_id: int, message_ids: list[str]) -> dict[str, object]:
    return {"account_id": account_id, "message_ids": message_ids, "submissions": MAX_SUBMISSIONS}
