"""When things are tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery.queue.retry_schedule import STEPS, next_attempt_at

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAR = NOON + timedelta(days=5)


def minutes(attempts: int, *, jitter: float = 0.5) -> float:
    return (next_attempt_at(attempts, now=NOON, expires_at=FAR, jitter=jitter) - NOON).total_seconds() / 60


def test_the_first_steps_are_short_and_the_last_one_stays() -> None:
    assert [minutes(attempts) for attempts in (1, 2, 3)] == [2, 5, 10]
    assert minutes(len(STEPS)) == minutes(1_000) == 240


@given(st.integers(0, 100), st.floats(0, 1))
def test_jitter_moves_a_step_by_a_tenth_at_most(attempts: int, jitter: float) -> None:
    assert 0.89 < minutes(attempts, jitter=jitter) / minutes(attempts) < 1.11


@given(st.integers(1, 100), st.floats(0, 1), st.integers(-1_000_000, 1_000_000))
def test_never_before_now_and_never_long_after_the_end(attempts: int, jitter: float, seconds: int) -> None:
    expires_at = NOON + timedelta(seconds=seconds)
    at = next_attempt_at(attempts, now=NOON, expires_at=expires_at, jitter=jitter)
    assert NOON <= at <= max(expires_at, NOON)
