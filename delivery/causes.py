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

from delivery.cause_statements import OF_ALL, OF_SENDERS
from delivery.complaints import COMPLAINED_WITHIN, Complained, Complaints, complaints_of
from delivery.queue.filtering import MAX_COUNT, Bounded
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause, find_cause, listed_by
from mailhost.protocols.cause_words import administrators_step, cause_words
from mailhost.protocols.certificates import address_in
from mailhost.protocols.dmarc.public_suffixes import registrable_domain

FAILED_WITHIN: Final = timedelta(days=1)
MAX_DESTINATIONS: Final = 200  # of one cause; and of those that reach no host, five times as many
MAX_FAILING: Final = 5 * MAX_DESTINATIONS
MAX_COUNTED: Final = 50_000  # of all groups together, but 100 of each
MIN_COUNT: Final = 100
MAX_LOOKED: Final = 10_000  # messages of an account or a domain, the newest; recipients that have failed
MAX_NAMES: Final = 5  # of destinations that are told with a group
MAX_REPLY: Final = 500  # characters
MAX_GROUPS: Final = 100


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
        return cause_words(self.cause, reply=self.reply, waits=not self.is_final)[1]

    @property
    def administrators_step(self) -> str:
        """What whoever runs the host or the domain can do."""
        return administrators_step(self.cause, reply=self.reply, waits=not self.is_final)

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
    """Each with most mail first. is_cut: there is more than was looked at, or than is told."""

    waiting: tuple[Group, ...]
    failed: tuple[Group, ...]
    is_cut: bool
    complaints: tuple[Complaints, ...] = ()

    @property
    def are_any(self) -> bool:
        """There is something to tell."""
        return bool(self.waiting or self.failed or self.complaints)

    @property
    def groups(self) -> tuple[Group, ...]:
        """What waits, then what has failed."""
        return (*self.waiting, *self.failed)


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str  # as in cause_statements.py
    destination: str
    cause: str
    number: int
    is_more: bool
    since: datetime
    next_at: datetime | None
    host: str
    reply: str

    @property
    def is_final(self) -> bool:
        return self.kind == "failed"

    @property
    def is_complaint(self) -> bool:
        return self.kind in {"complaint", "doubtful"}


def read_problems(*, now: datetime) -> Problems:
    """Of the whole queue: one statement, whatever its length."""
    found = _read(
        OF_ALL,
        destinations=MAX_DESTINATIONS,
        failing=MAX_FAILING,
        count=MAX_COUNT,
        counted=MAX_COUNTED,
        least=min(MIN_COUNT, MAX_COUNT),
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
    groups = [row for row in found if row.kind != "cut"]
    is_cut = len(groups) < len(found) or sum(row.number for row in groups) >= MAX_LOOKED
    return _problems(groups, is_cut=is_cut)


def _read(statement: str, *, now: datetime, **asked: object) -> list[_Row]:
    bounds = {
        "reply": MAX_REPLY,
        "looked": MAX_LOOKED,
        "failed_since": now - FAILED_WITHIN,
        "complained_since": now - COMPLAINED_WITHIN,
    }
    with cursor() as sql:
        return [_Row(*row) for row in sql.execute(statement.encode(), bounds | asked)]


def _problems(rows: list[_Row], *, is_cut: bool) -> Problems:
    together: dict[tuple[bool, str, Cause], list[_Row]] = defaultdict(list)
    for row in rows:
        if row.is_complaint:
            continue
        together[row.is_final, _provider(row), _cause(row)].append(row)
    groups = sorted(
        (_group(provider, cause, those) for (_, provider, cause), those in together.items()),
        key=lambda each: (-each.count.count, each.since, each.provider),
    )
    waiting = [each for each in groups if not each.is_final]
    failed = [each for each in groups if each.is_final]
    complaints = complaints_of([_complained(row) for row in rows if row.is_complaint])
    is_cut |= max(len(waiting), len(failed), len(complaints)) > MAX_GROUPS
    return Problems(tuple(waiting[:MAX_GROUPS]), tuple(failed[:MAX_GROUPS]), is_cut, complaints[:MAX_GROUPS])


def _complained(row: _Row) -> Complained:
    is_certain, latest = row.kind == "complaint", row.next_at or row.since
    return Complained(_provider(row), row.reply, row.number, is_certain, row.since, latest)


def _group(provider: str, cause: Cause, rows: list[_Row]) -> Group:
    total = sum(row.number for row in rows)
    biggest = max(rows, key=lambda row: (row.number, row.reply != ""))
    names = sorted({row.destination for row in rows})
    return Group(
        provider,
        cause,
        biggest.is_final,
        Bounded(total, any(row.is_more for row in rows)),
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
    if address_in(host) is not None:  # of a literal or a smarthost: no part of it is anybody's name
        return host
    return registrable_domain(host) or row.destination


def _cause(row: _Row) -> Cause:
    try:
        return Cause(row.cause)
    except ValueError:  # none was kept, or one that is no more
        return find_cause("", row.reply)
