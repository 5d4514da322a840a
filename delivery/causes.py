"""Why mail does not arrive, grouped: "212 messages to one provider wait since 14:02: your address is listed".

For operators all of the queue, for others what their accounts have sent. What waits is counted by looks into an index
for each cause and destination, bounded in each; what has failed lately, among the newest. Destinations are told
together where one host takes their mail: it is its operator who has the reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from delivery.queue.filtering import MAX_COUNT, Bounded
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause, find_cause, listed_by
from mailhost.protocols.cause_words import administrators_step, cause_words
from mailhost.protocols.dmarc.public_suffixes import registrable_domain

FAILED_WITHIN: Final = timedelta(days=1)
MAX_DESTINATIONS: Final = 200  # of one cause; and of those that reach no host, five times as many
MAX_FAILING: Final = 5 * MAX_DESTINATIONS
MAX_LOOKED: Final = 20_000  # messages of an account or a domain, the newest; recipients that have failed
MAX_NAMES: Final = 5  # of destinations that are told with a group
MAX_REPLY: Final = 500  # characters
MAX_GROUPS: Final = 100

LAST: Final = (1 << 63) - 1  # what no id is
WAITS: Final = "recipient.state IN ('queued', 'deferred')"
# The index recipient_waits_why is stepped through from one destination of a cause to the next, and never read whole.
# Comparing rows, not columns, leaves no other index to choose: each of them would read all of a cause that is rare.
WAITING: Final = f"""
WITH RECURSIVE step(cause, destination_id, number) AS (
    (SELECT cause, destination_id, 1 FROM delivery_queuedrecipient recipient
      WHERE {WAITS} AND cause <> '' ORDER BY cause, destination_id LIMIT 1)
    UNION ALL
    SELECT next.cause, next.destination_id, CASE WHEN next.cause = step.cause THEN step.number + 1 ELSE 1 END
      FROM step
     CROSS JOIN LATERAL (
           SELECT cause, destination_id FROM delivery_queuedrecipient recipient
            WHERE {WAITS} AND cause <> ''
              AND (recipient.cause, recipient.destination_id)
                  > (step.cause, CASE WHEN step.number < %(destinations)s THEN step.destination_id ELSE {LAST} END)
            ORDER BY recipient.cause, recipient.destination_id LIMIT 1) next)
SELECT destination.name, step.cause, counted.number, coalesce(message.released_at, message.created_at),
       due.next_attempt_at, latest.last_host, left(latest.last_reply, %(reply)s)
  FROM step
  JOIN delivery_destination destination ON destination.id = step.destination_id AND destination.failures = 0
 CROSS JOIN LATERAL (
       SELECT count(*) AS number, min(id) AS first_id, max(id) AS latest_id
         FROM (SELECT id FROM delivery_queuedrecipient recipient
                WHERE {WAITS} AND cause <> ''
                  AND (recipient.cause, recipient.destination_id, id) > (step.cause, step.destination_id, 0)
                  AND (recipient.cause, recipient.destination_id, id) < (step.cause, step.destination_id, {LAST})
                ORDER BY recipient.cause, recipient.destination_id, id LIMIT %(count)s + 1) each) counted
  JOIN delivery_queuedrecipient first ON first.id = counted.first_id
  JOIN delivery_queuedmessage message ON message.id = first.message_id
  JOIN delivery_queuedrecipient latest ON latest.id = counted.latest_id
 CROSS JOIN LATERAL (SELECT next_attempt_at FROM delivery_queuedrecipient recipient
                      WHERE {WAITS} AND destination_id = destination.id ORDER BY next_attempt_at LIMIT 1) due
"""
# A destination that reaches no host puts off all that waits for it in its own row (queue/destination_outcomes.py), and
# notes why with the first of it. What begins to fail is news; what has failed for days comes last.
FAILING: Final = f"""
SELECT destination.name, first.cause, counted.number, coalesce(message.released_at, message.created_at),
       greatest(destination.next_attempt_at, first.next_attempt_at), first.last_host,
       left(destination.last_reply, %(reply)s)
  FROM (SELECT * FROM delivery_destination WHERE failures > 0 ORDER BY failures, id DESC LIMIT %(failing)s) destination
 CROSS JOIN LATERAL (SELECT * FROM delivery_queuedrecipient recipient
                      WHERE {WAITS} AND destination_id = destination.id ORDER BY next_attempt_at LIMIT 1) first
 CROSS JOIN LATERAL (
       SELECT count(*) AS number FROM (SELECT FROM delivery_queuedrecipient recipient
                                        WHERE {WAITS} AND destination_id = destination.id
                                        LIMIT %(count)s + 1) each) counted
  JOIN delivery_queuedmessage message ON message.id = first.message_id
"""
FAILED: Final = """
SELECT destination.name, cause, count(*), min(finished_at), NULL::timestamptz,
       (array_agg(last_host ORDER BY finished_at DESC))[1],
       left((array_agg(recipient.last_reply ORDER BY finished_at DESC))[1], %(reply)s)
  FROM (SELECT * FROM delivery_queuedrecipient
         WHERE state IN ('bounced', 'expired') AND finished_at >= %(failed_since)s
         ORDER BY finished_at DESC LIMIT %(looked)s) recipient
  JOIN delivery_destination destination ON destination.id = recipient.destination_id
 GROUP BY destination.name, cause
"""
OF_ALL: Final = (
    f"SELECT 'waiting', * FROM ({WAITING}) each UNION ALL SELECT 'failing', * FROM ({FAILING}) each "
    f"UNION ALL SELECT 'failed', * FROM ({FAILED}) each"
)
OF_SENDERS: Final = """
WITH message AS MATERIALIZED (
    SELECT id, coalesce(released_at, created_at) AS at FROM delivery_queuedmessage
     WHERE account_id IN (SELECT account.id FROM mailboxes_account account
                            LEFT JOIN domains_address address ON address.id = account.address_id
                            LEFT JOIN domains_domain domain ON domain.id = address.domain_id
                           WHERE account.id = %(account_id)s OR domain.name = ANY(%(domains)s::text[]))
     ORDER BY id DESC LIMIT %(looked)s),
recipient AS (
    SELECT destination.id AS destination_id, destination.name,
           CASE WHEN state IN ('bounced', 'expired') THEN 'failed' ELSE 'waiting' END AS kind,
           message.at, own.last_host, own.last_attempt_at, finished_at, cause,
           CASE WHEN failures > 0 AND finished_at IS NULL THEN destination.last_reply ELSE own.last_reply
            END AS last_reply,
           CASE WHEN failures > 0 THEN greatest(own.next_attempt_at, destination.next_attempt_at)
                ELSE own.next_attempt_at END AS next_at
      FROM message JOIN delivery_queuedrecipient own ON own.message_id = message.id
                   JOIN delivery_destination destination ON destination.id = own.destination_id
     WHERE (state IN ('queued', 'deferred') AND (cause <> '' OR failures > 0))
        OR (state IN ('bounced', 'expired') AND finished_at >= %(failed_since)s)
     LIMIT %(looked)s)
SELECT kind, name,
       CASE WHEN cause = '' AND kind = 'waiting'
            THEN (SELECT first.cause FROM delivery_queuedrecipient first
                   WHERE state IN ('queued', 'deferred') AND first.destination_id = recipient.destination_id
                   ORDER BY next_attempt_at LIMIT 1) ELSE cause END,
       count(*), min(CASE WHEN kind = 'failed' THEN finished_at ELSE at END),
       min(CASE WHEN kind = 'waiting' THEN next_at END),
       (array_agg(last_host ORDER BY last_attempt_at DESC NULLS LAST))[1],
       left((array_agg(last_reply ORDER BY last_attempt_at DESC NULLS LAST))[1], %(reply)s)
  FROM recipient GROUP BY kind, destination_id, name, cause
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Mail of one cause to one provider: what waits (is_final: has come back within a day).

    provider: the registrable domain of the host that takes it, or the only destination; "" is this host. since: when
    the oldest was sent, or, of what came back, when that began; next_at: the first that is tried again. destinations:
    some of their names, of `destination_count`. host, reply: who was spoken to last, and what he said.
    """

    provider: str
    cause: Cause
    is_final: bool
    count: Bounded
    since: datetime
    next_at: datetime | None
    destinations: tuple[str, ...]
    destination_count: int
    host: str
    reply: str

    @property
    def meaning(self) -> str:
        """What the cause means, in a sentence; the list that the reply names is named."""
        return cause_words(self.cause, reply=self.reply)[0]

    @property
    def step(self) -> str:
        """What whoever sent it can do."""
        return cause_words(self.cause, reply=self.reply)[1]

    @property
    def administrators_step(self) -> str:
        """What whoever runs the host or the domain can do."""
        return administrators_step(self.cause)

    @property
    def listed_by(self) -> str:
        """The list that the reply names; "" where it names none."""
        return listed_by(self.reply) if self.cause is Cause.LISTED else ""

    @property
    def more_destinations(self) -> int:
        """How many are not named."""
        return self.destination_count - len(self.destinations)


@dataclass(frozen=True, slots=True)
class Problems:
    """Both with most mail first. is_cut: there is more than was looked at, or than is told."""

    waiting: tuple[Group, ...]
    failed: tuple[Group, ...]
    is_cut: bool

    @property
    def groups(self) -> tuple[Group, ...]:
        """What waits, then what has failed."""
        return (*self.waiting, *self.failed)


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str  # waiting, failing or failed
    destination: str
    cause: str
    number: int
    since: datetime
    next_at: datetime | None
    host: str
    reply: str

    @property
    def is_final(self) -> bool:
        return self.kind == "failed"


def read_problems(*, now: datetime) -> Problems:
    """Of the whole queue: one statement, whatever its length."""
    found = _read(
        OF_ALL,
        destinations=MAX_DESTINATIONS,
        failing=MAX_FAILING,
        count=MAX_COUNT,
        now=now,
    )
    per_cause = Counter(row.cause for row in found if row.kind == "waiting")
    is_cut = (
        max(per_cause.values(), default=0) >= MAX_DESTINATIONS
        or sum(row.kind == "failing" for row in found) >= MAX_FAILING
        or sum(row.number for row in found if row.is_final) >= MAX_LOOKED
    )
    return _problems(found, is_cut=is_cut)


def read_problems_of(
    *, account_id: int | None = None, domains: Iterable[str] = (), now: datetime
) -> Problems:
    """Of what the account, or the accounts of these domains, have sent lately: one statement."""
    found = _read(OF_SENDERS, account_id=account_id, domains=list(domains), now=now)
    return _problems(found, is_cut=sum(row.number for row in found) >= MAX_LOOKED)


def _read(statement: str, *, now: datetime, **asked: object) -> list[_Row]:
    bounds = {"reply": MAX_REPLY, "looked": MAX_LOOKED, "failed_since": now - FAILED_WITHIN}
    with cursor() as sql:
        return [_Row(*row) for row in sql.execute(statement.encode(), bounds | asked)]


def _problems(rows: list[_Row], *, is_cut: bool) -> Problems:
    together: dict[tuple[bool, str, Cause], list[_Row]] = defaultdict(list)
    for row in rows:
        together[row.is_final, _provider(row), _cause(row)].append(row)
    groups = sorted(
        (_group(provider, cause, those) for (_, provider, cause), those in together.items()),
        key=lambda each: (-each.count.count, each.since, each.provider),
    )
    waiting = [each for each in groups if not each.is_final]
    failed = [each for each in groups if each.is_final]
    is_cut |= max(len(waiting), len(failed)) > MAX_GROUPS
    return Problems(tuple(waiting[:MAX_GROUPS]), tuple(failed[:MAX_GROUPS]), is_cut)


def _group(provider: str, cause: Cause, rows: list[_Row]) -> Group:
    total = sum(min(row.number, MAX_COUNT) for row in rows)
    biggest = max(rows, key=lambda row: (row.number, row.reply != ""))
    names = sorted({row.destination for row in rows})
    return Group(
        provider,
        cause,
        biggest.is_final,
        Bounded(total, any(row.number > MAX_COUNT for row in rows)),
        min(row.since for row in rows),
        min((row.next_at for row in rows if row.next_at is not None), default=None),
        tuple(names[:MAX_NAMES]),
        len(names),
        biggest.host,
        biggest.reply,
    )


def _provider(row: _Row) -> str:
    """Who has the reason: whoever runs the host that was spoken to, or, where none was, the destination's owner."""
    host = row.host.rstrip(".").lower()
    return registrable_domain(host) or row.destination


def _cause(row: _Row) -> Cause:
    try:
        return Cause(row.cause)
    except ValueError:  # none was kept, or one that is no more
        return find_cause("", row.reply)
