"""How much comes and goes, and how old is what waits, as the columns of two pictures, in units of their view boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from delivery.queue.standing import Flow

WIDTH: Final = 600
HEIGHT: Final = 190
FOOT: Final = 22
HEAD: Final = 18
STEP: Final = timedelta(minutes=10)
STEPS: Final = 72
LABELLED: Final = 12  # one in so many columns has its time under it
DIGIT: Final = 9  # as wide as one of a level is, on a phone
GAP: Final = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a column. kind: what it counts, as the style sheet colours it."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """What stands over one place; `label` under it, `told` when it is pointed at."""

    x: float
    parts: tuple[Part, ...]
    label: str | datetime
    told: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """columns with `line` over them ("" for none), and levels: (y, value). left: where these end and columns begin."""

    columns: tuple[Column, ...]
    column_width: float
    levels: tuple[tuple[float, int], ...]
    left: int
    line: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    ground: int = HEIGHT - FOOT


def first_step(now: datetime) -> datetime:
    """Where the picture of what comes and goes begins."""
    seconds = STEP.total_seconds()
    this = datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
    return this - (STEPS - 1) * STEP


def draw_flow(flows: Sequence[Flow], *, since: datetime) -> Picture:
    """A column for each step, of what left, was put off and was refused; what came is the line."""
    steps = {int((flow.at - since) / STEP): flow for flow in flows}
    every = [steps.get(number, Flow(since + number * STEP, 0, 0, 0, 0)) for number in range(STEPS)]
    top = max(max(flow.queued, flow.delivered + flow.deferred + flow.bounced) for flow in every) or 1
    left = _left(top)
    width = (WIDTH - left) / STEPS
    columns = []
    for number, flow in enumerate(every):
        counts = (("good", flow.delivered), ("waits", flow.deferred), ("bad", flow.bounced))
        told = f"{flow.queued:,} came; {flow.delivered:,} left, {flow.deferred:,} put off, {flow.bounced:,} refused"
        is_labelled = number % LABELLED == 0
        x = round(left + number * width, 1)
        columns.append(Column(x, _pile(counts, top), flow.at if is_labelled else "", told, flow.at))
    points = " ".join(
        f"{left + (number + 0.5) * width:.1f},{HEIGHT - FOOT - _height(flow.queued, top):.1f}"
        for number, flow in enumerate(every)
    )
    return Picture(tuple(columns), round(width * 0.8, 1), _levels(top), left, points)


def draw_ages(ages: Sequence[tuple[str, int]]) -> Picture:
    """A column for each kind of age."""
    top = max(count for _, count in ages) or 1
    left = _left(top)
    width = (WIDTH - left) / len(ages)
    columns = tuple(
        Column(round(left + number * width, 1), _pile((("waits", count),), top), label, f"{label}: {count:,}")
        for number, (label, count) in enumerate(ages)
    )
    return Picture(columns, round(width * 0.8, 1), _levels(top), left)


def _left(top: int) -> int:
    """The numbers of the levels stand beside the columns: over one they could not be read."""
    return DIGIT * len(f"{top:,}") + GAP


def _height(count: int, top: int) -> float:
    """Also little is to be seen."""
    return max((HEIGHT - FOOT - HEAD) * count / top, 1.5 if count else 0.0)


def _pile(counts: Sequence[tuple[str, int]], top: int) -> tuple[Part, ...]:
    parts, y = [], float(HEIGHT - FOOT)
    for kind, count in counts:
        if count:
            height = _height(count, top)
            y -= height
            parts.append(Part(kind, round(y, 1), round(height, 1)))
    return tuple(parts)


def _levels(top: int) -> tuple[tuple[float, int], ...]:
    half = round(HEAD + (HEIGHT - FOOT - HEAD) / 2, 1)
    return ((HEAD, top), (half, top // 2)) if top > 1 else ((HEAD, top),)
