"""Which recipients of the queue are meant: one value for lists, counts and verbs, and the rows that it finds.

What nobody has finished with is a small part of all that is kept, and has partial indexes of its own: so a filter that
names no state means that part. Counts are bounded: nobody acts differently on 2,000,000 than on "more than 10,000".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from delivery.models import LOCAL, Destination, QueuedRecipient, RecipientState

UNFINISHED: Final = (
    RecipientState.QUEUED,
    RecipientState.WAITING,
    RecipientState.HELD,
    RecipientState.DEFERRED,
)
MAX_COUNT: Final = 10_000
MAX_DESTINATIONS: Final = 1_000  # whose own last reply says what is looked for
SAMPLE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Everything that is given must be so; "" and () mean anything. Addresses and domains are whole, in any case.

    states: () means all that are not final. sender: a reverse-path, "<>" the null one. domain: of the forward-path;
    next_hop: the destination that it waits for, which a redirect changes. before, since: when the message was queued.
    reply: a part of the last reply, its own or its destination's. account: a login. sent_from: only what accounts of
    these domains have submitted, None for everybody's; () finds nothing.
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
        moments: dict[str, Any] = {
            name: datetime.fromisoformat(given[name]) for name in ("before", "since") if name in given
        }
        return cls(**(given | moments))


@dataclass(frozen=True, slots=True)
class Bounded:
    """A count up to MAX_COUNT. is_more: there are more than `count`."""

    count: int
    is_more: bool

    def __str__(self) -> str:
        return f"more than {self.count:,}" if self.is_more else f"{self.count:,}"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a filter means right now. by_state and by_next_hop count the first MAX_COUNT; oldest is of those, too."""

    total: Bounded
    oldest: datetime | None
    by_state: tuple[tuple[str, int], ...]
    by_next_hop: tuple[tuple[str, int], ...]
    sample: tuple[QueuedRecipient, ...]


def find(asked: QueueFilter) -> QuerySet[QueuedRecipient]:
    """The recipients that are meant, in no order."""
    rows = QueuedRecipient.objects.order_by().filter(state__in=asked.states or UNFINISHED)
    if asked.ids:
        rows = rows.filter(pk__in=asked.ids)
    if asked.sender:
        path = "" if asked.sender == "<>" else _folded(asked.sender)
        rows = rows.alias(by=Lower("message__reverse_path")).filter(by=path)
    if asked.recipient:
        rows = rows.alias(to=Lower("forward_path")).filter(to=_folded(asked.recipient))
    if asked.domain:
        rows = rows.filter(_is_for(_folded(asked.domain)))
    if asked.next_hop:
        rows = rows.filter(destination__name=_folded(asked.next_hop))
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
    return rows.filter(_says(_clean(asked.reply))) if asked.reply else rows


def page(asked: QueueFilter, *, limit: int, older_than: int | None = None) -> list[QueuedRecipient]:
    """The latest first, with message, account and destination; below this id."""
    rows = find(asked).select_related("message__account", "destination").order_by("-pk")
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    return list(rows[:limit])


def count(asked: QueueFilter) -> Bounded:
    """How many, or that they are more than MAX_COUNT."""
    found = find(asked).values("pk")[: MAX_COUNT + 1].count()
    return Bounded(min(found, MAX_COUNT), found > MAX_COUNT)


def preview(asked: QueueFilter) -> Preview:
    """How many, how old, where they stand and where they wait for."""
    rows = find(asked).order_by("pk").values_list("state", "destination__name", "message__created_at")
    seen = list(rows[: MAX_COUNT + 1])
    first = seen[:MAX_COUNT]
    states, hops = Counter(row[0] for row in first), Counter(row[1] for row in first)
    return Preview(
        total=Bounded(len(first), len(seen) > MAX_COUNT),
        oldest=min((row[2] for row in first), default=None),
        by_state=tuple(states.most_common()),
        by_next_hop=tuple(sorted(hops.items(), key=lambda hop: (-hop[1], hop[0]))[:SAMPLE]),
        sample=tuple(page(asked, limit=SAMPLE)),
    )


def _is_for(domain: str) -> Q:
    """The next hop is the recipient's domain, but where a verb led it elsewhere, or it is for accounts here."""
    known = dict(Destination.objects.filter(name__in=(domain, LOCAL)).values_list("name", "pk"))
    is_for = Q(redirected_from=domain)
    if domain in known:
        is_for |= Q(destination_id=known[domain], redirected_from="")
    if LOCAL in known:
        is_for |= Q(destination_id=known[LOCAL], forward_path__iendswith="@" + domain)
    return is_for


def _says(text: str) -> Q:
    """The recipient's last reply, or, where no host was reached, that of its destination."""
    failing = Destination.objects.filter(failures__gt=0, last_reply__icontains=text).order_by()
    ids: Sequence[int] = list(failing.values_list("pk", flat=True)[:MAX_DESTINATIONS])
    own = ~Q(last_reply="") & Q(last_reply__icontains=text)
    return own | Q(destination_id__in=ids) if ids else own


def _folded(text: str) -> str:
    return _clean(text).strip().strip("<>").lower()


def _clean(text: str) -> str:
    return text.replace("\0", "")  # which Postgres does not store, nor look for
