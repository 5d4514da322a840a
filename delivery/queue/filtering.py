"""Which recipients of the queue are meant: one value for lists, counts and verbs, and the rows that it finds.

What nobody has finished with is a small part of all that is kept, and has partial indexes of its own: so a filter that
names no state means that part. Counts are bounded: nobody acts differently on 2,000,000 than on "more than 10,000".

Postgres cannot know whether a filter finds many or few, and a wrong guess sorts all of them or walks past all others.
So what is found is taken in no order first: few are sorted then, and many are met soon on the way from the latest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import F, Lookup, Max, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat, Lower

from delivery.models import LOCAL, Destination, QueuedMessage, QueuedRecipient, RecipientState
from delivery.queue.route_names import route_name

if TYPE_CHECKING:
    AnyLookup = Lookup[Any]
else:
    AnyLookup = Lookup

UNFINISHED: Final = (
    RecipientState.QUEUED,
    RecipientState.WAITING,
    RecipientState.HELD,
    RecipientState.DEFERRED,
)
MAX_COUNT: Final = 10_000
MAX_DESTINATIONS: Final = 1_000  # whose own last reply says what is looked for
SAMPLE: Final = 10
CLOCKS_DIFFER: Final = timedelta(minutes=10)
MAX_ID: Final = 1 << 62
FIRST_STEP: Final = 5_000  # ids, of the way from the latest


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Everything that is given must be so; "" and () mean anything. Addresses and domains are whole, in any case.

    states: () means all that are not final. sender: a reverse-path, "<>" the null one. recipient: a forward-path, or
    the alias that was written to. domain: of the forward-path; next_hop: the destination that it waits for, which a
    redirect changes. before, since: when the message was queued. reply: a part of the last reply, its own or its
    destination's. account: a login. sent_from: only what accounts of these domains have submitted, None for
    everybody's; () finds nothing.
    """

    ids: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    sender: str = ""
    recipient: str = ""
    domain: str = ""
    next_hop: str = ""
    before: datetime | None = None
    since: datetime | None = None
    reply: str = ""
    account: str = ""
    sent_from: tuple[str, ...] | None = None
    held_by: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Nothing is asked for but, perhaps, whose mail it is."""
        return not any(value for name, value in asdict(self).items() if name != "sent_from")

    def told(self) -> dict[str, Any]:
        """What is asked for, as the audit trail keeps it."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value not in ("", (), None) or (name == "sent_from" and value is not None)
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "QueueFilter":
        """From told(), also by way of JSON."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
        }
        for name in given.keys() & {"before", "since"}:
            given[name] = datetime.fromisoformat(given[name])
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Bounded:
    """A count up to MAX_COUNT. is_more: there are more than `count`."""

    count: int
    is_more: bool

    def __str__(self) -> str:
        return f"more than {self.count:,}" if self.is_more else f"{self.count:,}"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a filter means right now. by_state and by_next_hop count the first MAX_COUNT; oldest is of those, too.

    by_next_hop: name and route, "" where it goes as the settings say, with how many.
    """

    total: Bounded
    oldest: datetime | None
    by_state: tuple[tuple[str, int], ...]
    by_next_hop: tuple[tuple[tuple[str, str], int], ...]
    sample: tuple[QueuedRecipient, ...]


def find(asked: QueueFilter, *, is_walk: bool = False) -> QuerySet[QueuedRecipient]:
    """The recipients that are meant, in no order. is_walk: the caller has few to look at, and no index is of use."""
    rows = QueuedRecipient.objects.order_by().filter(state__in=asked.states or UNFINISHED)
    if asked.ids:
        rows = rows.filter(pk__in=asked.ids)
    if asked.sender:
        path = "" if asked.sender == "<>" else _folded(asked.sender)
        rows = rows.alias(by=Lower("message__reverse_path")).filter(by=path)
    if asked.recipient:
        rows = rows.alias(to=Lower("forward_path"), by_way_of=Lower("original_path"))
        rows = rows.filter(_is_to(_folded(asked.recipient)))
    if asked.domain:
        rows = rows.filter(_is_for(_folded(asked.domain)))
    if asked.next_hop:
        hops = Destination.objects.filter(name=_folded(asked.next_hop))
        rows = rows.filter(destination_id__in=list(hops.values_list("pk", flat=True)))
    if asked.before is not None:
        rows = rows.filter(message__created_at__lt=asked.before)
    if asked.since is not None:
        rows = rows.filter(message__created_at__gte=asked.since)
    if asked.account:
        rows = rows.filter(message__account__login=_folded(asked.account))
    if asked.sent_from is not None:
        rows = rows.filter(message__account__address__domain__name__in=asked.sent_from)
    if asked.held_by:
        rows = rows.filter(~Q(state=RecipientState.HELD) | Q(held_by__in=asked.held_by))
    if asked.reply:
        rows = rows.filter(_says(_clean(asked.reply), is_walk=is_walk))
    return rows


@dataclass(frozen=True, slots=True)
class Found:
    """The latest rows first, and how many there are in all."""

    rows: list[QueuedRecipient]
    total: Bounded


def page(asked: QueueFilter, *, limit: int, older_than: int | None = None) -> list[QueuedRecipient]:
    """The latest first, with message, account and destination; below this id."""
    return look(asked, limit=limit, older_than=older_than).rows


def look(asked: QueueFilter, *, limit: int, older_than: int | None = None) -> Found:
    """As page(), with how many they are, below this id."""
    rows = find(asked) if older_than is None else find(asked).filter(pk__lt=older_than)
    ids = list(rows.values_list("pk", flat=True)[: MAX_COUNT + 1])
    is_more = len(ids) > MAX_COUNT
    latest = (
        _walk(asked, limit=limit, older_than=older_than) if is_more else sorted(ids, reverse=True)[:limit]
    )
    return Found(_read(latest), Bounded(min(len(ids), MAX_COUNT), is_more))


def count(asked: QueueFilter) -> Bounded:
    """How many, or that they are more than MAX_COUNT."""
    found = find(asked).values("pk")[: MAX_COUNT + 1].count()
    return Bounded(min(found, MAX_COUNT), found > MAX_COUNT)


def preview(asked: QueueFilter) -> Preview:
    """How many, how old, where they stand and where they wait for."""
    seen = list(find(asked).values_list("pk", "state", "destination_id", "message_id")[: MAX_COUNT + 1])
    is_more, first = len(seen) > MAX_COUNT, seen[:MAX_COUNT]
    states, hops = Counter(row[1] for row in first), Counter(row[2] for row in first)
    known = Destination.objects.filter(pk__in=hops).annotate(route=route_name("route_id"))
    names = {pk: (name, route) for pk, name, route in known.values_list("pk", "name", "route")}
    by_hop = sorted(((names[pk], number) for pk, number in hops.items()), key=lambda hop: (-hop[1], hop[0]))
    oldest = min((row[3] for row in first), default=0)  # numbers of messages grow with time
    moments = QueuedMessage.objects.filter(pk=oldest).values_list("created_at", flat=True)
    latest = (
        _walk(asked, limit=SAMPLE) if is_more else sorted((row[0] for row in first), reverse=True)[:SAMPLE]
    )
    return Preview(
        total=Bounded(len(first), is_more),
        oldest=moments.first(),
        by_state=tuple(states.most_common()),
        by_next_hop=tuple(by_hop[:SAMPLE]),
        sample=tuple(_read(latest)),
    )


def _walk(asked: QueueFilter, *, limit: int, older_than: int | None = None) -> list[int]:
    """Ids of the latest that are meant, in steps from the latest of all."""
    below = min(older_than or MAX_ID, _last_id(asked) + 1)
    found: list[int] = []
    step = FIRST_STEP
    while len(found) < limit and below > 0:
        rows = find(asked, is_walk=True).filter(pk__lt=below, pk__gte=below - step).order_by("-pk")
        found += rows.values_list("pk", flat=True)[: limit - len(found)]
        below, step = below - step, step * 4
    return found


def _last_id(asked: QueueFilter) -> int:
    """No recipient that is meant has a higher id: ids grow with time, but for clocks that differ a little."""
    rows = QueuedRecipient.objects.all()
    if asked.before is not None:
        older = QueuedMessage.objects.filter(created_at__lt=asked.before + CLOCKS_DIFFER)
        last = older.order_by("-created_at").values_list("pk", flat=True).first()
        rows = rows.filter(message_id=last)
    return rows.aggregate(last=Max("pk"))["last"] or 0


def _read(ids: Sequence[int]) -> list[QueuedRecipient]:
    """Each with `route`, as route_name() has it."""
    rows = QueuedRecipient.objects.filter(pk__in=ids).select_related("message__account", "destination")
    return list(rows.annotate(route=route_name("destination__route_id")).order_by("-pk"))


def _is_to(path: str) -> Q:
    """As rows have `to` and `by_way_of`; each has an index, that of aliases without the rows that have none."""
    return Q(to=path) | (Q(by_way_of=path) & ~Q(original_path=""))


def _is_for(domain: str) -> Q:
    """The next hop is the recipient's domain, but where a verb led it elsewhere, or it is for accounts here."""
    known = list(Destination.objects.filter(name__in=(domain, LOCAL)).values_list("name", "pk"))
    is_for = Q(redirected_from=domain)
    for name, destination_id in known:  # one for each route
        if name == LOCAL:
            is_for |= Q(destination_id=destination_id, forward_path__iendswith="@" + domain)
        else:
            is_for |= Q(destination_id=destination_id, redirected_from="")
    return is_for


class _Says(AnyLookup):
    """ILIKE, which the index of trigrams knows and whose results Postgres can estimate, as it cannot UPPER's."""

    lookup_name = "says"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Both sides as they are."""
        left, of_left = self.process_lhs(compiler, connection)
        right, of_right = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*of_left, *of_right)


def _says(text: str, *, is_walk: bool) -> Q:
    """The recipient's last reply, or, where no host was reached, that of its destination."""
    failing = Destination.objects.filter(failures__gt=0, last_reply__icontains=text).order_by()
    ids: Sequence[int] = list(failing.values_list("pk", flat=True)[:MAX_DESTINATIONS])
    said = Concat("last_reply", Value(""), output_field=TextField()) if is_walk else F("last_reply")
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    own = ~Q(last_reply="") & Q(_Says(said, f"%{escaped}%"))
    return own | Q(destination_id__in=ids) if ids else own


def _folded(text: str) -> str:
    return _clean(text).strip().strip("<>").lower()


def _clean(text: str) -> str:
    return text.replace("\0", "")  # which Postgres does not store, nor look for
