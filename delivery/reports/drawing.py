"""Days as columns of a picture: where each stands and how high it is, in the units of the SVG's view box."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from delivery.reports.summary import Day

WIDTH, HEIGHT, FOOT, HEAD = 900, 220, 22, 14
LABELS = 8  # dates under the columns


@dataclass(frozen=True, slots=True)
class Column:
    """One day: the good below, the bad on top of it."""

    day: date
    good: int
    bad: int
    x: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A level across the picture."""

    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Bars:
    """The whole picture."""

    width: int
    height: int
    bar_width: float
    columns: list[Column]
    lines: list[Line]


def draw(days: Sequence[Day]) -> Bars:
    """The highest day fills the picture; a day with little is still to be seen."""
    top = max((day.good + day.bad for day in days), default=0) or 1
    step = WIDTH / max(len(days), 1)
    ground = HEIGHT - FOOT
    room = ground - HEAD
    every = max(1, len(days) // LABELS)

    def height(count: int) -> float:
        return round(max(room * count / top, 1.5 if count else 0), 1)

    columns = []
    for number, day in enumerate(days):
        good, bad = height(day.good), height(day.bad)
        columns.append(
            Column(
                day.day,
                day.good,
                day.bad,
                round(number * step + step * 0.1, 1),
                round(ground - good, 1),
                good,
                round(ground - good - bad, 1),
                bad,
                number % every == 0,
            )
        )
    lines = [Line(HEAD, top), Line(round(ground - room / 2, 1), top // 2)] if top > 1 else [Line(HEAD, top)]
    return Bars(WIDTH, HEIGHT, round(step * 0.8, 1), columns, lines)
