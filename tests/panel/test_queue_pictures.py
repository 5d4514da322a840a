"""The two pictures of the queue page: every column stands whole in its picture, beside the numbers of the levels."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from delivery.queue.standing import Flow
from delivery.queue_pages.drawing import STEP, WIDTH, Picture, draw_ages, draw_flow

SINCE = datetime(2026, 3, 1, 6, tzinfo=UTC)
counts = st.integers(0, 10_000_000)


def stands_beside_its_levels(picture: Picture) -> bool:
    widest = max(len(f"{value:,}") for _, value in picture.levels)
    xs = [column.x for column in picture.columns]
    return min(xs) >= picture.left >= 8 * widest and max(xs) + picture.column_width <= WIDTH


@given(st.lists(counts, min_size=1, max_size=9))
def test_how_long_it_has_waited(ages: list[int]) -> None:
    picture = draw_ages([(f"< {number} h", count) for number, count in enumerate(ages)])
    assert stands_beside_its_levels(picture)
    assert [bool(column.parts) for column in picture.columns] == [count > 0 for count in ages]


@given(st.lists(st.tuples(counts, counts, counts, counts), max_size=72))
def test_what_came_and_went(steps: list[tuple[int, int, int, int]]) -> None:
    flows = [Flow(SINCE + number * STEP, *each) for number, each in enumerate(steps)]
    picture = draw_flow(flows, since=SINCE)
    assert stands_beside_its_levels(picture)
    points = [float(point.partition(",")[0]) for point in picture.line.split(" ")]
    assert all(
        column.x <= x <= column.x + picture.column_width
        for column, x in zip(picture.columns, points, strict=True)
    )
