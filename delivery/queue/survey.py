"""Counting the queue now and then, for every page at once: how many stand where, how old, at which next hops, and how
many come and go.

No page counts a million rows, and no message costs a counter. The worker's clock counts instead, and takes a twentieth
of its time for it at most: the more waits, the less often. What came and went is counted from the rows themselves, the
last minutes once more each time, since a transaction may end after one that began later.
"""

import json
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from delivery.models import QueueSurvey
from delivery.models.queue_survey import EVERYTHING
from delivery.queue.standing import AGES, SURVEY_SHARE, Standing
from mailhost.net.database import cursor

STEP: Final = timedelta(minutes=5)  # of QueueFlow
KEPT: Final = timedelta(hours=48)  # QueueFlow
SETTLED: Final = timedelta(seconds=60)  # what began before that has been committed
FIRST_LOOK: Final = timedelta(hours=1)
HOPS: Final = 30  # next hops with most, of each domain
LOCK: Final = 0x6D_61_69_6C  # of this database's surveys; any number that nobody else takes

COUNT = b"""
WITH small AS (
    SELECT message.account_id, recipient.state, recipient.destination_id,
           width_bucket(extract(epoch FROM %(now)s - message.created_at)::float8, %(ages)s::float8[]) AS age,
           count(*) AS number, min(message.created_at) AS oldest,
           max(recipient.id) FILTER (WHERE recipient.state = 'deferred' AND recipient.last_reply <> '') AS said_by
      FROM delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id
     WHERE recipient.state IN ('queued', 'waiting', 'held', 'deferred')
     GROUP BY 1, 2, 3, 4),
counted AS (
    SELECT domain.name AS domain, state, age, destination_id, sum(number)::bigint AS number, min(oldest) AS oldest,
           max(said_by) AS said_by, grouping(domain.name) AS is_all
      FROM small LEFT JOIN mailboxes_account account ON account.id = small.account_id
           LEFT JOIN domains_address address ON address.id = account.address_id
           LEFT JOIN domains_domain domain ON domain.id = address.domain_id
     GROUP BY GROUPING SETS ((domain.name, state), (state), (domain.name, age), (age),
                             (domain.name, destination_id), (destination_id))),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY is_all, domain, destination_id IS NULL
                                 ORDER BY number DESC, destination_id) AS place
      FROM counted WHERE is_all = 1 OR domain IS NOT NULL)
SELECT coalesce(domain, ''), state, age, destination_id, number, oldest, said_by FROM placed
 WHERE destination_id IS NULL OR place <= %(hops)s
 ORDER BY number DESC, destination_id
"""
KEEP = b"""
INSERT INTO delivery_queuesurvey (domain, at, seconds, standing)
SELECT domain, %s, %s, standing::jsonb FROM unnest(%s::text[], %s::text[]) row(domain, standing)
    ON CONFLICT (domain) DO UPDATE
   SET at = excluded.at, seconds = excluded.seconds, standing = excluded.standing
"""
FORGET = b"DELETE FROM delivery_queuesurvey WHERE at < %s"

CAME_AND_WENT = b"""
WITH events AS (
    SELECT date_bin(%(step)s, created_at, timestamptz '2000-01-01 00:00+00') AS at, account_id, 'queued' AS what,
           count(*) AS number
      FROM delivery_queuedmessage message JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
     WHERE created_at >= %(since)s AND created_at < %(until)s
     GROUP BY 1, 2
     UNION ALL
    SELECT date_bin(%(step)s, at, timestamptz '2000-01-01 00:00+00'), account_id,
           CASE WHEN outcome = 'expired' THEN 'bounced' ELSE outcome END, count(*)
      FROM delivery_attempt
     WHERE at >= %(since)s AND at < %(until)s AND outcome IN ('delivered', 'deferred', 'bounced', 'expired')
     GROUP BY 1, 2, 3)
INSERT INTO delivery_queueflow (domain, at, queued, delivered, deferred, bounced)
SELECT coalesce(domain.name, ''), events.at, coalesce(sum(number) FILTER (WHERE what = 'queued'), 0),
       coalesce(sum(number) FILTER (WHERE what = 'delivered'), 0),
       coalesce(sum(number) FILTER (WHERE what = 'deferred'), 0),
       coalesce(sum(number) FILTER (WHERE what = 'bounced'), 0)
  FROM events LEFT JOIN mailboxes_account account ON account.id = events.account_id
       LEFT JOIN domains_address address ON address.id = account.address_id
       LEFT JOIN domains_domain domain ON domain.id = address.domain_id
 GROUP BY GROUPING SETS ((domain.name, events.at), (events.at))
HAVING grouping(domain.name) = 1 OR domain.name IS NOT NULL
    ON CONFLICT (domain, at) DO UPDATE
   SET queued = excluded.queued, delivered = excluded.delivered, deferred = excluded.deferred,
       bounced = excluded.bounced
"""
FORGET_FLOW = b"DELETE FROM delivery_queueflow WHERE at < %s"


def survey(*, now: datetime, is_urgent: bool = False) -> bool:
    """Counts everything, unless somebody else does just now, or too much of the time would go into it; whether it did.

    is_urgent: counts also where somebody has just counted.
    """
    with transaction.atomic(), cursor() as sql:
        [(is_mine,)] = sql.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchall()
        last = QueueSurvey.objects.filter(domain=EVERYTHING).first()
        if not is_mine or (
            last and not is_urgent and now < last.at + timedelta(seconds=SURVEY_SHARE * last.seconds)
        ):
            return False
        began = time.perf_counter()
        sql.execute(
            "SET LOCAL work_mem = '64MB'"
        )  # a million groups would go through files with what is usual
        standings = _count(now)
        _count_flow(last.at if last else now - FIRST_LOOK, now=now)
        standings.setdefault(EVERYTHING, Standing())
        names, told = list(standings), [json.dumps(each.told()) for each in standings.values()]
        sql.execute(KEEP, (now, time.perf_counter() - began, names, told))
        sql.execute(FORGET, (now,))
    return True


def _count(now: datetime) -> dict[str, Standing]:
    standings: dict[str, Standing] = {}
    with cursor() as sql:
        rows = sql.execute(COUNT, {"now": now, "ages": list(AGES), "hops": HOPS}).fetchall()
    for domain, state, age, destination_id, number, oldest, said_by in rows:
        standing = standings.setdefault(domain, Standing())
        if state is not None:
            standing.states[state] = number
            standing.oldest = min(standing.oldest or oldest, oldest)
        elif age is not None:
            standing.ages[age] = number
        else:
            standing.hops.append((destination_id, number, oldest, said_by))
    return standings


def _count_flow(last: datetime, *, now: datetime) -> None:
    """Into QueueFlow, from the steps on that may not have been complete the last time."""
    values = {"step": STEP, "since": _step(last - SETTLED), "until": _step(now) + STEP}
    with cursor() as sql:
        sql.execute(CAME_AND_WENT, values)
        sql.execute(FORGET_FLOW, (now - KEPT,))


def _step(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // STEP.total_seconds() * STEP.total_seconds(), at.tzinfo)
