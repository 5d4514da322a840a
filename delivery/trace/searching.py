"""One search over what was brought, what is in the queue, and what happened on the way out: newest first, page by page.

Each source is read in its own order from its own place, and the three are put together by their moments. A place is
the last key that a page has taken of a source: so pages neither lose nor repeat a row while others come and go.
"""

import heapq
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from delivery.models.trace import Outcome
from delivery.trace import sources
from delivery.trace.asking import Asked, Scope, as_message_id, cleaned, folded, queue_id_of
from mailhost.net.database import cursor, snapshot

LAST_ID: Final = 1 << 62

Source = Literal["inbound", "queue", "outbound"]


class PlaceInvalid(Exception):
    """Not a place that a page has told."""

    def __init__(self) -> None:
        super().__init__("No page of the trace begins there.")


@dataclass(frozen=True, slots=True)
class Found:
    """One row. `state` is one of STATES. peer, name: the client's address and HELO, or the other host's address and
    name, or, in the queue, "" and the next hop's domain. trace_id, session: of what was brought; queue_id: None there.

    certificate: what the other host's was found to be (relay/tls/verifying.py), "" in clear and for what came here.
    cause: a Cause, or "". next_at: when the queue does something next. is_ours: it was submitted or forwarded here.
    failures: how often in a row its next hop was looked for and not reached, in the queue; 0 where that does not keep
    it waiting. tried_at: when it, or else its next hop, was tried last.
    """

    source: Source
    id: int
    at: datetime
    reverse_path: str
    forward_path: str
    message_id: str
    subject: str
    peer: str
    name: str
    tls: str
    certificate: str
    state: str
    reply: str
    cause: str
    trace_id: str
    session: str
    queue_id: int | None
    next_at: datetime | None
    is_ours: bool
    failures: int
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """rows: newest first. following: where the next page begins, "" at the end."""

    rows: tuple[Found, ...]
    following: str


@dataclass(frozen=True, slots=True)
class _Place:
    inbound: tuple[datetime, int]
    queue: int
    outbound: tuple[datetime, int]

    @classmethod
    def read(cls, text: str) -> "_Place":
        try:
            moment, inbound, queue, other_moment, outbound = text.split("/")
            ids = [int(each) for each in (inbound, queue, outbound)]
            told = [datetime.fromisoformat(each) for each in (moment, other_moment)]
            moments = [each.astimezone(UTC) for each in told]
        except (ValueError, OverflowError):  # the latter: a year 0 or 10000 in UTC
            raise PlaceInvalid from None
        if any(each.tzinfo is None for each in told) or not all(0 <= each <= LAST_ID for each in ids):
            raise PlaceInvalid
        return cls((moments[0], ids[0]), ids[1], (moments[1], ids[2]))

    def __str__(self) -> str:
        moments = [each[0].astimezone(UTC) for each in (self.inbound, self.outbound)]
        first, second = (each.isoformat().replace("+00:00", "Z") for each in moments)
        return f"{first}/{self.inbound[1]}/{self.queue}/{second}/{self.outbound[1]}"

    def behind(self, row: Found) -> "_Place":
        match row.source:
            case "inbound":
                return replace(self, inbound=(row.at, row.id))
            case "queue":
                return replace(self, queue=row.id)
            case "outbound":
                return replace(self, outbound=(row.at, row.id))


def find(asked: Asked, scope: Scope, *, limit: int, now: datetime, after: str = "") -> Page:
    """The newest rows of the scope that are meant, up to `limit`. after: as a page has told.

    Raises PlaceInvalid.
    """
    asked = _clean(asked)
    tomorrow = now + timedelta(days=1)
    first = _Place((tomorrow, LAST_ID), LAST_ID, (tomorrow, LAST_ID))
    place = _Place.read(after) if after else first
    values = _values(asked, scope, place)
    with snapshot():
        found = [
            _read("inbound", sources.inbound(asked, scope, limit=limit + 1), values),
            _read("queue", sources.queue(asked, scope, limit=limit + 1), values),
            _read("outbound", sources.outbound(asked, scope, limit=limit + 1), values),
        ]
    merged = list(heapq.merge(*found, key=lambda row: row.at, reverse=True))
    for row in merged[:limit]:
        place = place.behind(row)
    return Page(tuple(merged[:limit]), str(place) if len(merged) > limit else "")


def _clean(asked: Asked) -> Asked:
    """Without what nothing can be found by: a subject is asked for only where subjects are kept."""
    texts = {
        name: cleaned(getattr(asked, name))
        for name in ("text", "sender", "recipient", "message_id", "subject", "address")
    }
    return replace(asked, **texts)  # type: ignore[arg-type]  # the names are those of texts


def _values(asked: Asked, scope: Scope, place: _Place) -> dict[str, object]:
    return {
        "text": folded(asked.text),
        "text_id": as_message_id(asked.text),
        "queue_id": queue_id_of(asked.text),
        "sender": folded(asked.sender),
        "recipient": folded(asked.recipient),
        "message_id": as_message_id(asked.message_id),
        "subject": asked.subject,
        "address": folded(asked.address),
        "since": asked.since,
        "until": asked.until,
        "domains": list(scope.domains),
        "account_id": scope.account_id,
        "login": scope.login,
        "inbound_at": place.inbound[0],
        "inbound_id": place.inbound[1],
        "queue_before": place.queue,
        "outbound_at": place.outbound[0],
        "outbound_id": place.outbound[1],
    }


def _read(source: Source, statement: str, values: dict[str, object]) -> list[Found]:
    """Each row once, in the source's own order, whatever number of looks has found it."""
    if not statement:
        return []
    rows: dict[int, Found] = {}
    with cursor() as sql:
        for row in sql.execute(statement.encode(), values):
            rows.setdefault(row[0], _found(source, row))
    return list(rows.values())


def _found(source: Source, row: tuple[Any, ...]) -> Found:
    found = Found(source, *row)
    return replace(found, state=Outcome(int(found.state)).name.lower()) if source == "inbound" else found
