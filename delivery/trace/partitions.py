"""Tables that are divided by days of UTC: what is old goes at once, with its file, and no row of it is looked at.

Each has a partition for the rest: a row whose day has none yet is kept all the same, and found.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import psycopg
import structlog
from django.db import DatabaseError, connection, transaction

log = structlog.get_logger(__name__)

DAYS_AHEAD: Final = 7  # partitions that are made before they are needed: a worker may be away for so long
# Making and dropping wait for whoever reads or writes the whole table, and all others wait behind them meanwhile.
LOCK_TIMEOUT: Final = "2s"


def keep_days(table: str, *, now: datetime, days: int) -> None:
    """Makes the partitions of the days to come, and drops those that are older than so many days.

    What cannot be done at once, because the table is busy, is left for the next time.
    """
    today = now.astimezone(UTC).date()
    existing = partitions(table)
    for number in range(DAYS_AHEAD + 1):
        day = today + timedelta(days=number)
        if day not in existing:
            _run(_creation(table, day), table=table, day=day)
    for day in existing:
        if day < today - timedelta(days=days):
            _run(f"DROP TABLE IF EXISTS {_name(table, day)}", table=table, day=day)
    # Of the partition for the rest: what belongs to days that nobody made one for.
    with connection.cursor() as sql:
        sql.execute(f"DELETE FROM {table}_rest WHERE at < %s", [now - timedelta(days=days + 1)])


def partitions(table: str) -> list[date]:
    """The days that have one, in order."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = %s::regclass",
            [table],
        )
        endings = [name.rpartition("_")[2] for (name,) in sql.fetchall()]
    return sorted(
        datetime.strptime(each, "%Y%m%d").replace(tzinfo=UTC).date() for each in endings if each.isdigit()
    )


def _creation(table: str, day: date) -> str:
    start, end = (datetime.combine(each, datetime.min.time(), UTC) for each in (day, day + timedelta(days=1)))
    return (
        f"CREATE TABLE IF NOT EXISTS {_name(table, day)} PARTITION OF {table} "
        f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    )


def _run(statement: str, *, table: str, day: date) -> None:
    try:
        with transaction.atomic(), connection.cursor() as sql:
            sql.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            sql.execute(statement)
    except (DatabaseError, psycopg.Error) as error:
        # Where one was not made, rows of that day are in the partition for the rest: there they stay, and are found.
        log.warning(
            "trace partition left for later",
            table=table,
            day=day.isoformat(),
            error=str(error).partition("\n")[0],
        )


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"
