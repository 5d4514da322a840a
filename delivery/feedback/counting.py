"""Counts in the database: a row for each domain and day, and one for each kind of message, added to by upsert.

What strangers can make up is bounded: domains of a day, and kinds of messages of a domain. What is beyond is counted
without a row, or not reported.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from psycopg.types.json import Jsonb

from delivery.feedback.tallying import Counted
from delivery.models import DmarcFeedback
from mailhost.net.database import cursor
from mailhost.protocols.dmarc.aggregate_reports import DkimOutcome, Override, Row, SpfOutcome

MAX_DOMAINS: Final = 20_000  # of a day; how many of them are reported to is a setting
MAX_ROWS: Final = 10_000  # of one domain and day: 10 MB of XML, which gzip makes 300 KB
FORGOTTEN_AT_ONCE: Final = 100

KNOWN: Final = b"""
SELECT day, domain FROM delivery_dmarcfeedback WHERE day = ANY(%s::date[]) AND domain = ANY(%s::text[])
"""
HOW_MANY: Final = b"SELECT day, count(*) FROM delivery_dmarcfeedback WHERE day = ANY(%s::date[]) GROUP BY day"
# What is counted after its report was made is lost: a message that was answered before midnight, written an hour late.
COUNT_DAYS: Final = b"""
INSERT INTO delivery_dmarcfeedback AS known (day, domain, policy, uris, message_count, row_count, left_out, state,
                                             attempts, report_id, size_octets, note)
SELECT day, domain, policy, uris, message_count, 0, left_out, 'counting', 0, '', 0, ''
  FROM unnest(%s::date[], %s::text[], %s::jsonb[], %s::jsonb[], %s::bigint[], %s::bigint[])
       fresh(day, domain, policy, uris, message_count, left_out)
 ORDER BY day, domain
    ON CONFLICT (day, domain) DO UPDATE
   SET policy = EXCLUDED.policy, uris = EXCLUDED.uris, left_out = known.left_out + EXCLUDED.left_out,
       message_count = known.message_count + EXCLUDED.message_count
 WHERE known.state = 'counting'
RETURNING id, day, domain, row_count
"""
KNOWN_ROWS: Final = b"""
SELECT digest FROM delivery_dmarcfeedbackrow WHERE feedback_id = %s AND digest = ANY(%s::bytea[])
"""
COUNT_ROWS: Final = b"""
INSERT INTO delivery_dmarcfeedbackrow AS known (feedback_id, digest, row, count)
SELECT %s, digest, content, count FROM unnest(%s::bytea[], %s::jsonb[], %s::bigint[]) fresh(digest, content, count)
 ORDER BY digest
    ON CONFLICT (feedback_id, digest) DO UPDATE SET count = known.count + EXCLUDED.count
RETURNING xmax = 0
"""
SET_COUNTS: Final = b"""
UPDATE delivery_dmarcfeedback SET row_count = row_count + %s, left_out = left_out + %s WHERE id = %s
"""

Key = tuple[date, str]


@transaction.atomic
def count_messages(
    counted: Sequence[Counted], *, max_domains: int = MAX_DOMAINS, max_rows: int = MAX_ROWS
) -> None:
    """Adds what was counted. Each domain's row is locked first, in one order, so that no two callers block another."""
    by_key = {(each.day, each.policy.domain): each for each in counted}
    kept = _with_room(by_key, max_domains)
    if not kept:
        return
    columns = (
        [each.day for each in kept],
        [each.policy.domain for each in kept],
        [Jsonb(asdict(each.policy)) for each in kept],
        [Jsonb([asdict(uri) for uri in each.uris]) for each in kept],
        [each.message_count for each in kept],
        [each.left_out for each in kept],
    )
    with cursor() as sql:
        rows = sql.execute(COUNT_DAYS, columns).fetchall()
    for feedback_id, day, domain, row_count in rows:
        _count_rows(feedback_id, by_key[day, domain].rows, room=max_rows - row_count)


def forget_feedback(*, now: datetime, days: int) -> None:
    """Removes what is older than so many days, with all its rows; a part of it in each transaction."""
    old = DmarcFeedback.objects.filter(day__lt=now.date() - timedelta(days=days)).order_by("pk")
    while ids := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        DmarcFeedback.objects.filter(pk__in=ids).delete()


def as_row(content: dict[str, Any], *, count: int) -> Row:
    """The row that was kept, with how many messages it is about."""
    return Row(
        **{
            **content,
            "count": count,
            "dkim_outcomes": tuple(DkimOutcome(**each) for each in content["dkim_outcomes"]),
            "spf_outcomes": tuple(SpfOutcome(**each) for each in content["spf_outcomes"]),
            "overrides": tuple(Override(**each) for each in content["overrides"]),
        }
    )


def _with_room(by_key: dict[Key, Counted], max_domains: int) -> list[Counted]:
    """Domains that are counted already, and as many new ones as a day may have."""
    days, domains = sorted({day for day, _ in by_key}), [domain for _, domain in by_key]
    with cursor() as sql:
        known = set(sql.execute(KNOWN, (days, domains)).fetchall())
        used = dict(sql.execute(HOW_MANY, (days,)).fetchall())
    kept = []
    for key, each in by_key.items():
        if key not in known:
            if used.get(each.day, 0) >= max_domains:
                continue
            used[each.day] = used.get(each.day, 0) + 1
        kept.append(each)
    return kept


def _count_rows(feedback_id: int, counts: dict[Row, int], *, room: int) -> None:
    fresh = {}
    for row, count in counts.items():
        content = asdict(row)
        del content["count"]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
        fresh[digest] = (content, count)
    left_out = 0
    with cursor() as sql:
        if len(fresh) > room:
            known = {bytes(row[0]) for row in sql.execute(KNOWN_ROWS, (feedback_id, list(fresh)))}
            new = [digest for digest in fresh if digest not in known]
            left_out = sum(fresh.pop(digest)[1] for digest in new[max(room, 0) :])
        columns = (
            list(fresh),
            [Jsonb(content) for content, _ in fresh.values()],
            [count for _, count in fresh.values()],
        )
        added = sum(row[0] for row in sql.execute(COUNT_ROWS, (feedback_id, *columns)).fetchall())
        if added or left_out:
            sql.execute(SET_COUNTS, (added, left_out, feedback_id))
