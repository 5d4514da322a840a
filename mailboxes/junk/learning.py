"""Learning from lessons: a worker turns what is waiting into counts; `learn` is how a person says it directly.

Messages are read before anything is locked. What is written is written in the order of its keys, so that workers wait
for each other and do not deadlock; a lesson that another one has in hand is passed over.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg import Cursor

from mailboxes.junk.tokens import hash_of, tokens_of
from mailboxes.store.lessons import note
from mailhost.net.database import cursor

LESSONS_AT_ONCE = 50  # half a second, most of it reading messages
OCTETS_AT_ONCE = 64 << 20

WAITING = """
SELECT content_id, max(coalesce(size_octets, 0))
  FROM (SELECT content_id FROM mailboxes_lesson WHERE is_waiting ORDER BY noted_at LIMIT %s) lesson
  LEFT JOIN mailboxes_content content ON content.id = content_id
 GROUP BY content_id ORDER BY content_id
"""
OCTETS = "SELECT id, octets FROM mailboxes_content WHERE id = ANY(%s::bigint[])"
TAKE = """
SELECT scope, content_id, is_junk, learned_as_junk, hashes FROM mailboxes_lesson
 WHERE is_waiting AND content_id = ANY(%s::bigint[])
 ORDER BY scope, content_id FOR UPDATE SKIP LOCKED
"""
DONE = """
UPDATE mailboxes_lesson lesson SET is_waiting = false, learned_as_junk = is_junk, hashes = learned.hashes
  FROM unnest(%(scopes)s::bigint[], %(contents)s::bigint[], %(hashes)b::bytea[]) learned(scope, content_id, hashes)
 WHERE lesson.scope = learned.scope AND lesson.content_id = learned.content_id
"""
DROP = """
DELETE FROM mailboxes_lesson lesson USING unnest(%s::bigint[], %s::bigint[]) gone(scope, content_id)
 WHERE lesson.scope = gone.scope AND lesson.content_id = gone.content_id
"""
COUNT = """
INSERT INTO mailboxes_junkcount AS known (token, scope, junk, wanted, seen_on)
SELECT token, scope, junk, wanted, %(today)s
  FROM unnest(%(tokens)s::bigint[], %(scopes)s::bigint[], %(junk)s::bigint[], %(wanted)s::bigint[])
       given(token, scope, junk, wanted)
 ORDER BY token, scope
    ON CONFLICT (token, scope) DO UPDATE
   SET junk = known.junk + excluded.junk, wanted = known.wanted + excluded.wanted, seen_on = excluded.seen_on
"""
# What was unlearned leaves nothing behind. Below nothing a count comes where a sweep has forgotten the token meanwhile.
TIDY = (
    """
DELETE FROM mailboxes_junkcount known USING unnest(%(tokens)s::bigint[], %(scopes)s::bigint[]) given(token, scope)
 WHERE known.token = given.token AND known.scope = given.scope AND junk <= 0 AND wanted <= 0
""",
    """
UPDATE mailboxes_junkcount known SET junk = greatest(junk, 0), wanted = greatest(wanted, 0)
  FROM unnest(%(tokens)s::bigint[], %(scopes)s::bigint[]) given(token, scope)
 WHERE known.token = given.token AND known.scope = given.scope AND least(junk, wanted) < 0
""",
)
TOTAL = """
INSERT INTO mailboxes_junktotal AS known (scope, junk, wanted)
SELECT scope, junk, wanted FROM unnest(%(scopes)s::bigint[], %(junk)s::bigint[], %(wanted)s::bigint[])
       given(scope, junk, wanted)
 ORDER BY scope
    ON CONFLICT (scope) DO UPDATE SET junk = known.junk + excluded.junk, wanted = known.wanted + excluded.wanted
"""

Deltas = dict[bool, Counter[tuple[int, int]]]
"""By verdict (True is junk), by (token, scope)."""


@transaction.atomic
def learn(*, account_id: int, content_id: int, is_junk: bool, now: datetime) -> None:
    """The account says so of a content that it has; a worker learns it within seconds.

    Said again it changes nothing; the opposite turns it round.
    """
    note(account_id=account_id, content_ids=[content_id], is_junk=is_junk, now=now)


def learn_waiting(*, now: datetime, limit: int = LESSONS_AT_ONCE) -> int:
    """Learns from contents whose lessons have waited longest, at most so many; how many lessons it took."""
    with cursor() as sql:
        waiting = sql.execute(WAITING, (limit,)).fetchall()
    return learn_from(_together(waiting), now=now) if waiting else 0


def learn_from(content_ids: list[int], *, now: datetime) -> int:
    """Learns what is waiting of these contents, for whoever wants to see it at once; how many lessons it took."""
    with cursor() as sql:
        hashes = {
            content_id: sorted({hash_of(token) for token in tokens_of(octets)})
            for content_id, octets in sql.execute(OCTETS, (content_ids,))
        }
    return _learn(content_ids, hashes, now)


def _together(waiting: list[tuple[int, int]]) -> list[int]:
    """Contents that are read at once."""
    octets = 0
    taken: list[int] = []
    for content_id, size in waiting:
        octets += size
        if taken and octets > OCTETS_AT_ONCE:
            break
        taken.append(content_id)
    return taken


@transaction.atomic
def _learn(content_ids: list[int], hashes: Mapping[int, list[int]], now: datetime) -> int:
    deltas: Deltas = {True: Counter(), False: Counter()}
    totals: Deltas = {True: Counter(), False: Counter()}
    done: list[tuple[int, int, bytes]] = []
    gone: list[tuple[int, int]] = []
    with cursor() as sql:
        rows = sql.execute(TAKE, (content_ids,)).fetchall()
        for scope, content_id, is_junk, learned_as_junk, learned in rows:
            # What was learned is unlearned as it was, also where a newer release reads messages otherwise.
            numbers = list(array("q", learned)) if learned_as_junk is not None else hashes.get(content_id)
            if numbers is None:  # gone before anybody looked at it
                gone.append((scope, content_id))
                continue
            done.append((scope, content_id, array("q", numbers).tobytes()))
            if learned_as_junk == is_junk:  # turned round, and back again
                continue
            keys = [(number, scope) for number in numbers]
            deltas[is_junk].update(keys)
            totals[is_junk][scope, scope] += 1
            if learned_as_junk is not None:
                deltas[learned_as_junk].subtract(keys)
                totals[learned_as_junk][scope, scope] -= 1
        _write(sql, deltas, totals, now)
        if done:
            scopes, contents, octets = (list(column) for column in zip(*done, strict=True))
            sql.execute(DONE, {"scopes": scopes, "contents": contents, "hashes": octets})
        if gone:
            sql.execute(DROP, tuple(list(column) for column in zip(*gone, strict=True)))
    return len(rows)


def _write(sql: Cursor[Any], deltas: Deltas, totals: Deltas, now: datetime) -> None:
    keys = sorted(deltas[True].keys() | deltas[False].keys())
    if keys:
        parameters = {**_columns(keys, deltas), "today": now.date()}
        sql.execute(COUNT, parameters)
        if any(count < 0 for each in deltas.values() for count in each.values()):
            for statement in TIDY:
                sql.execute(statement, parameters)
    keys = sorted(totals[True].keys() | totals[False].keys())
    if keys:
        sql.execute(TOTAL, _columns(keys, totals))


def _columns(keys: list[tuple[int, int]], deltas: Deltas) -> dict[str, Any]:
    return {
        "tokens": [token for token, _ in keys],
        "scopes": [scope for _, scope in keys],
        "junk": [deltas[True][key] for key in keys],
        "wanted": [deltas[False][key] for key in keys],
    }
