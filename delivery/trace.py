"""The inbound trace: written in batches beside the sessions, read by whoever may see it, dropped by days.

A process that is killed loses what it noted in the last second; no message waits for its trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter

import psycopg
import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from delivery.models import InboundTrace
from delivery.models.trace import Outcome
from mailhost.net.database import cursor

log = structlog.get_logger(__name__)

DAYS_AHEAD = 7  # partitions that are made before they are needed: a worker may be away for so long
MAX_TEXT = 500  # characters of what other people say


@dataclass(frozen=True, slots=True)
class Noted:
    """One recipient of one message, as InboundTrace has it; account_id None: nobody here."""

    at: datetime
    session: str
    trace_id: str
    peer: str
    helo: str
    tls: str
    login: str
    reverse_path: str
    forward_path: str
    domain: str
    account_id: int | None
    message_id: str
    size_octets: int
    outcome: Outcome
    reply: str


_COLUMNS = [field.name for field in fields(Noted)]
_values = attrgetter(*_COLUMNS)
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
COPY = f"COPY delivery_inboundtrace ({', '.join(_COLUMNS)}) FROM STDIN"


@transaction.atomic
def write(noted: Sequence[Noted]) -> None:
    """All of them in one go."""
    with cursor() as sql, sql.copy(COPY.encode()) as copying:
        copying.write("".join([_line(each) for each in noted]).encode("utf-8", "replace"))


def _line(noted: Noted) -> str:
    """A row as COPY reads it: a thread that makes it column by column holds up the sessions of its process."""
    return "\t".join([_told(value) for value in _values(noted)]) + "\n"


def _told(value: object) -> str:
    """Postgres takes no NUL, and whole novels are of no use."""
    if not isinstance(value, str):
        return "\\N" if value is None else str(int(value) if isinstance(value, int) else value)
    value = value.replace("\0", "")[:MAX_TEXT]
    return value if value.isalnum() else value.translate(_ESCAPED)


def search(
    *,
    domains: Sequence[str] | None = None,
    account_id: int | None = None,
    text: str = "",
    outcomes: Sequence[int] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> "QuerySet[InboundTrace]":
    """Newest first. With `domains` what is for those alone, with `account_id` what is for that account, with both what
    is for either: every other argument narrows that down.

    text: an address (sender or recipient), a domain of a recipient, a Message-ID, a trace id, a session or a peer's
    address, whole.
    """
    rows = InboundTrace.objects.annotate(to=Lower("forward_path"), by=Lower("reverse_path")).order_by(
        "-at", "-id"
    )
    if domains is not None and account_id is not None:
        rows = rows.filter(Q(domain__in=domains) | Q(account_id=account_id))
    elif domains is not None:
        rows = rows.filter(domain__in=domains)
    elif account_id is not None:
        rows = rows.filter(account_id=account_id)
    if outcomes:
        rows = rows.filter(outcome__in=outcomes)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    if text := text.replace("\0", "").strip():
        rows = rows.filter(_means(text))
    return rows


def _means(text: str) -> Q:
    """Conditions that all have an index (migrations 0003, 0008): for one without it all rows would be read."""
    folded = text.lower().strip("<>")
    if "@" in folded:
        message_id = text if text.startswith("<") else f"<{text}>"
        return Q(to=folded) | Q(by=folded) | Q(message_id=message_id)
    return Q(trace_id=folded) | Q(session=folded) | Q(peer=folded) | Q(domain=folded)


# --- Partitions -------------------------------------------------------------------------------------------------------


def keep_partitions(*, now: datetime, days: int) -> None:
    """Makes the partitions of the days to come, and drops those that are older than so many days."""
    today = now.astimezone(UTC).date()
    existing = _partitions()
    for number in range(DAYS_AHEAD + 1):
        day = today + timedelta(days=number)
        if day not in existing:
            _make(day)
    for day in existing:
        if day < today - timedelta(days=days):
            with connection.cursor() as sql:
                sql.execute(f"DROP TABLE IF EXISTS {_name(day)}")
    InboundTrace.objects.filter(
        at__lt=now - timedelta(days=days + 1)
    ).delete()  # of the partition for the rest


def _make(day: date) -> None:
    start, end = (datetime.combine(each, datetime.min.time(), UTC) for each in (day, day + timedelta(days=1)))
    try:
        with transaction.atomic(), connection.cursor() as sql:
            sql.execute(
                f"CREATE TABLE IF NOT EXISTS {_name(day)} PARTITION OF delivery_inboundtrace "
                f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
            )
    except (DatabaseError, psycopg.Error) as error:
        # Rows of that day are in the partition for the rest already: there they stay, and are found all the same.
        log.warning("trace partition not made", day=day.isoformat(), error=str(error).partition("\n")[0])


def _name(day: date) -> str:
    return f"delivery_inboundtrace_{day:%Y%m%d}"


def _partitions() -> list[date]:
    with connection.cursor() as sql:
        sql.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = 'delivery_inboundtrace'::regclass"
        )
        names = [name for (name,) in sql.fetchall()]
    return sorted(
        datetime.strptime(name.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC).date()
        for name in names
        if name.rpartition("_")[2].isdigit()
    )
