"""Counts in the database: a row for each domain and day, and one for each kind of what is counted, added to by upsert.

What strangers can make up is bounded: domains of a day, and kinds of a domain. What is beyond is counted without a
row, or not reported.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from django.db import transaction
from psycopg.types.json import Jsonb

from delivery.feedback.tallying import Counted
from delivery.models.feedback import Feedback, FeedbackRow
from mailhost.net.database import cursor

H = TypeVar("H")
R = TypeVar("R", bound=Hashable)

MAX_DOMAINS: Final = 20_000  # of a day; how many of them are reported to is a setting
FORGOTTEN_AT_ONCE: Final = 100

KNOWN: Final = b"""
SELECT day, domain FROM {days} WHERE day = ANY(%s::date[]) AND domain = ANY(%s::text[])
"""
HOW_MANY: Final = b"SELECT day, count(*) FROM {days} WHERE day = ANY(%s::date[]) GROUP BY day"
# What is counted after its report was made is lost: a message that was answered before midnight, written an hour late.
COUNT_DAYS: Final = b"""
INSERT INTO {days} AS known (day, domain, {total}, left_out, {head_names}
                             row_count, state, attempts, report_id, size_octets, note)
SELECT day, domain, {total}, left_out, {head_names} 0, 'counting', 0, '', 0, ''
  FROM unnest(%s::date[], %s::text[], %s::bigint[], %s::bigint[] {head_columns})
       fresh(day, domain, {total}, left_out {head_fresh})
 ORDER BY day, domain
    ON CONFLICT (day, domain) DO UPDATE
   SET {head_sets} left_out = known.left_out + EXCLUDED.left_out, {total} = known.{total} + EXCLUDED.{total}
 WHERE known.state = 'counting'
RETURNING id, day, domain, row_count
"""
KNOWN_ROWS: Final = b"SELECT digest FROM {rows} WHERE feedback_id = %s AND digest = ANY(%s::bytea[])"
COUNT_ROWS: Final = b"""
INSERT INTO {rows} AS known (feedback_id, digest, row, count)
SELECT feedback_id, digest, content, count
  FROM unnest(%s::bigint[], %s::bytea[], %s::jsonb[], %s::bigint[]) fresh(feedback_id, digest, content, count)
 ORDER BY feedback_id, digest
    ON CONFLICT (feedback_id, digest) DO UPDATE SET count = known.count + EXCLUDED.count
RETURNING feedback_id, xmax = 0
"""
SET_COUNTS: Final = b"""
UPDATE {days} counted
   SET row_count = counted.row_count + fresh.row_count, left_out = counted.left_out + fresh.left_out
  FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) fresh(id, row_count, left_out) WHERE fresh.id = counted.id
"""

Key = tuple[date, str]
Fresh = dict[bytes, tuple[dict[str, Any], int]]  # by digest: the row's content, and how many


class Ledger(Generic[H, R]):
    """The tables of one kind of report. total: the column that has all that was counted; head: the JSON columns of what
    was seen last, each with what it holds; content: what is kept of a row, as JSON."""

    def __init__(
        self,
        *,
        days: type[Feedback],
        rows: type[FeedbackRow],
        total: str,
        head: Mapping[str, Callable[[H], Any]],
        content: Callable[[R], dict[str, Any]],
        max_rows: int,
    ) -> None:
        self.days = days
        self._head = head
        self._content = content
        self._max_rows = max_rows
        names = list(head)
        self._words = {
            b"{days}": days._meta.db_table,
            b"{rows}": rows._meta.db_table,
            b"{total}": total,
            b"{head_names}": "".join(f"{name}, " for name in names),
            b"{head_columns}": ", %s::jsonb[]" * len(names),
            b"{head_fresh}": "".join(f", {name}" for name in names),
            b"{head_sets}": "".join(f"{name} = EXCLUDED.{name}, " for name in names),
        }

    def sql(self, statement: bytes) -> bytes:
        """The statement for these tables."""
        for word, meaning in self._words.items():
            statement = statement.replace(word, meaning.encode("ascii"))
        return statement

    @transaction.atomic
    def count(
        self,
        counted: Sequence[Counted[H, R]],
        *,
        max_domains: int = MAX_DOMAINS,
        max_rows: int | None = None,
    ) -> None:
        """Adds what was counted, in a few statements however much it is.

        Each domain's row is locked first, in one order, so that no two callers block another.
        """
        by_key = {(each.day, each.domain): each for each in counted}
        kept = self._with_room(by_key, max_domains)
        if not kept:
            return
        columns: list[list[Any]] = [
            [each.day for each in kept],
            [each.domain for each in kept],
            [each.total for each in kept],
            [each.left_out for each in kept],
            *([Jsonb(of(each.head)) for each in kept] for of in self._head.values()),
        ]
        with cursor() as sql:
            days = sql.execute(self.sql(COUNT_DAYS), columns).fetchall()
        room = self._max_rows if max_rows is None else max_rows
        left_out, rows = {}, []
        for feedback_id, day, domain, row_count in days:
            fresh = self._digested(by_key[day, domain].rows)
            left_out[feedback_id] = self._cut(fresh, feedback_id, room - row_count)
            rows += [
                (feedback_id, digest, Jsonb(content), count) for digest, (content, count) in fresh.items()
            ]
        self._count_rows(rows, left_out)

    def forget(self, *, now: datetime, days: int) -> None:
        """Removes what is older than so many days, with all its rows; a part of it in each transaction."""
        old = self.days._default_manager.filter(day__lt=now.date() - timedelta(days=days)).order_by("pk")
        while ids := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
            self.days._default_manager.filter(pk__in=ids).delete()

    def _with_room(self, by_key: dict[Key, Counted[H, R]], max_domains: int) -> list[Counted[H, R]]:
        """Domains that are counted already, and as many new ones as a day may have."""
        days, domains = sorted({day for day, _ in by_key}), [domain for _, domain in by_key]
        with cursor() as sql:
            known = set(sql.execute(self.sql(KNOWN), (days, domains)).fetchall())
            used = (
                dict(sql.execute(self.sql(HOW_MANY), (days,)).fetchall()) if len(known) < len(by_key) else {}
            )
        kept = []
        for key, each in by_key.items():
            if key not in known:
                if used.get(each.day, 0) >= max_domains:
                    continue
                used[each.day] = used.get(each.day, 0) + 1
            kept.append(each)
        return kept

    def _digested(self, counts: Mapping[R, int]) -> Fresh:
        fresh = {}
        for row, count in counts.items():
            content = self._content(row)
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
            fresh[digest] = (content, count)
        return fresh

    def _cut(self, fresh: Fresh, feedback_id: int, room: int) -> int:
        """Leaves no more new rows than there is room for; how many are counted without one."""
        if len(fresh) <= room:
            return 0
        with cursor() as sql:
            found = sql.execute(self.sql(KNOWN_ROWS), (feedback_id, list(fresh)))
            known = {bytes(row[0]) for row in found}
        new = [digest for digest in fresh if digest not in known]
        return sum(fresh.pop(digest)[1] for digest in new[max(room, 0) :])

    def _count_rows(self, rows: Sequence[tuple[Any, ...]], left_out: dict[int, int]) -> None:
        added = dict.fromkeys(left_out, 0)
        with cursor() as sql:
            if rows:
                columns = [list(column) for column in zip(*rows, strict=True)]
                for feedback_id, is_new in sql.execute(self.sql(COUNT_ROWS), columns).fetchall():
                    added[feedback_id] += is_new
            changed = [pk for pk in added if added[pk] or left_out[pk]]
            if changed:
                counts = (changed, [added[pk] for pk in changed], [left_out[pk] for pk in changed])
                sql.execute(self.sql(SET_COUNTS), counts)
