"""The inbound trace: written in batches beside the sessions, read by whoever may see it.

A process that is killed loses what it noted in the last second; no message waits for its trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from delivery.models import InboundTrace
from delivery.models.trace import Outcome
from mailhost.net.database import cursor

MAX_TEXT = 500  # characters of what other people say
MAX_SUBJECT = 200  # characters, where subjects are kept


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
    subject: str = ""


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
