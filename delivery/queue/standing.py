"""What waits, as pages show it: read from the last survey, with what is known of the next hops right now."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Sum

from delivery.models import Destination, QueuedRecipient, QueueFlow, QueueSurvey, RecipientState
from delivery.models.queue_survey import EVERYTHING
from delivery.queue.route_names import route_name

# Seconds at which a recipient counts as older; the last kind has no end.
AGES: Final = (300.0, 1_800.0, 7_200.0, 28_800.0, 86_400.0, 172_800.0)
AGE_LABELS: Final = ("< 5 min", "< 30 min", "< 2 h", "< 8 h", "< 1 day", "< 2 days", "older")
SHOWN_HOPS: Final = 8
SURVEY_SHARE: Final = 20  # one part in so many of the time goes into counting, at most


@dataclass(slots=True)
class Standing:
    """Counts of recipients by state and by age (an index of AGE_LABELS); hops: (destination id, count, oldest, the
    recipient that was answered last there), those with most first.
    """

    states: dict[str, int] = field(default_factory=dict)
    ages: dict[int, int] = field(default_factory=dict)
    hops: list[tuple[int, int, datetime, int | None]] = field(default_factory=list)
    oldest: datetime | None = None

    def told(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "states": self.states,
            "ages": self.ages,
            "hops": [(pk, count, oldest.isoformat(), said_by) for pk, count, oldest, said_by in self.hops],
            "oldest": self.oldest and self.oldest.isoformat(),
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Standing":
        """From told()."""
        return cls(
            states=told["states"],
            ages={int(age): count for age, count in told["ages"].items()},
            hops=[
                (pk, count, datetime.fromisoformat(at), said_by) for pk, count, at, said_by in told["hops"]
            ],
            oldest=datetime.fromisoformat(told["oldest"]) if told["oldest"] else None,
        )

    def add(self, other: "Standing") -> None:
        """The other's counts as well; a next hop of both stands once."""
        for state, count in other.states.items():
            self.states[state] = self.states.get(state, 0) + count
        for age, count in other.ages.items():
            self.ages[age] = self.ages.get(age, 0) + count
        hops = {hop[0]: hop for hop in self.hops}
        for pk, count, oldest, said_by in other.hops:
            _, known, first, latest = hops.get(pk, (pk, 0, oldest, None))
            hops[pk] = (pk, known + count, min(first, oldest), max(latest or 0, said_by or 0) or None)
        self.hops = sorted(hops.values(), key=lambda hop: -hop[1])
        self.oldest = min((at for at in (self.oldest, other.oldest) if at), default=None)


@dataclass(frozen=True, slots=True)
class Hop:
    """A next hop with much waiting. name: "" for this host. route: its name, "" where it goes as the settings say.

    failures: looks in a row that reached no host.
    """

    name: str
    route: str
    count: int
    oldest: datetime
    failures: int
    next_attempt_at: datetime | None
    is_being_sent_to: bool
    reply: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """at: when they were counted, None where nobody has yet; seconds: how long that took."""

    at: datetime | None
    seconds: float
    total: int
    states: tuple[tuple[str, int], ...]
    ages: tuple[tuple[str, int], ...]
    oldest: datetime | None
    hops: tuple[Hop, ...]

    @property
    def every(self) -> timedelta:
        """How often they are counted."""
        return timedelta(seconds=max(settings.QUEUE_SURVEY_SECONDS, SURVEY_SHARE * self.seconds))


@dataclass(frozen=True, slots=True)
class Flow:
    """Recipients that came and outcomes of tries in the step from `at` on."""

    at: datetime
    queued: int
    delivered: int
    deferred: int
    bounced: int


def read_numbers(*, sent_from: tuple[str, ...] | None, now: datetime) -> Numbers:
    """Of mail that accounts of these domains sent, or of all (None)."""
    wanted = [EVERYTHING] if sent_from is None else [EVERYTHING, *sent_from]
    surveys = {each.domain: each for each in QueueSurvey.objects.filter(domain__in=wanted)}
    everything = surveys.get(EVERYTHING)
    standing = Standing()
    for name in wanted if sent_from is None else sent_from:
        if name in surveys:
            standing.add(Standing.of(surveys[name].standing))
    shown = (*(state.value for state in UNFINISHED_STATES), *standing.states)
    return Numbers(
        at=everything.at if everything else None,
        seconds=everything.seconds if everything else 0.0,
        total=sum(standing.states.values()),
        states=tuple((state, standing.states.get(state, 0)) for state in dict.fromkeys(shown)),
        ages=tuple((label, standing.ages.get(age, 0)) for age, label in enumerate(AGE_LABELS)),
        oldest=standing.oldest,
        hops=_hops(standing, now=now),
    )


def read_flow(*, sent_from: tuple[str, ...] | None, since: datetime, step: timedelta) -> list[Flow]:
    """By steps from `since` on, as far as anything happened."""
    rows = QueueFlow.objects.filter(
        domain__in=[EVERYTHING] if sent_from is None else sent_from, at__gte=since
    ).order_by("at")
    sums = rows.values("at").annotate(
        came=Sum("queued"), left=Sum("delivered"), put_off=Sum("deferred"), refused=Sum("bounced")
    )
    steps: dict[int, Flow] = {}
    for row in sums:
        number = int((row["at"] - since) / step)
        last = steps.get(number, Flow(since + number * step, 0, 0, 0, 0))
        steps[number] = Flow(
            last.at,
            last.queued + row["came"],
            last.delivered + row["left"],
            last.deferred + row["put_off"],
            last.bounced + row["refused"],
        )
    return list(steps.values())


UNFINISHED_STATES: Final = (
    RecipientState.QUEUED,
    RecipientState.DEFERRED,
    RecipientState.HELD,
    RecipientState.WAITING,
)


def _hops(standing: Standing, *, now: datetime) -> tuple[Hop, ...]:
    first = standing.hops[:SHOWN_HOPS]
    known = Destination.objects.annotate(route=route_name("route_id")).in_bulk([pk for pk, *_ in first])
    said = QueuedRecipient.objects.filter(pk__in=[said_by for *_, said_by in first if said_by])
    replies = dict(said.values_list("pk", "last_reply"))
    hops = []
    for pk, count, oldest, said_by in first:
        if (row := known.get(pk)) is not None:
            reply = row.last_reply if row.failures else replies.get(said_by or 0, "")
            at_it = row.claimed_until is not None and row.claimed_until > now
            hops.append(
                Hop(row.name, row.route, count, oldest, row.failures, row.next_attempt_at, at_it, reply)
            )
    return tuple(hops)
