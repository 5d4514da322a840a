"""HOLDFOR and HOLDUNTIL (RFC 4865)."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.smtp.commands import parse_mail
from mailhost.protocols.smtp.future_release import FutureRelease, longest_wait, parse_future_release
from mailhost.protocols.smtp.replies import CommandRefused

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def release_at(parameters: str) -> datetime:
    asked = parse_mail(f"FROM:<alice@example.test> {parameters}").future_release
    assert asked is not None
    return asked.release_at(now=NOON)


@pytest.mark.parametrize(
    ("parameter", "at"),
    [
        ("HOLDFOR=1", NOON + timedelta(seconds=1)),
        ("holdfor=86400", NOON + timedelta(days=1)),
        ("HOLDFOR=999999999", NOON + timedelta(seconds=999_999_999)),
        ("HOLDUNTIL=2027-01-31T08:00:00Z", datetime(2027, 1, 31, 8, tzinfo=UTC)),
        ("HOLDUNTIL=2027-01-31t08:00:00.25z", datetime(2027, 1, 31, 8, tzinfo=UTC)),
        ("HOLDUNTIL=2027-01-31T08:00:00+05:30", datetime(2027, 1, 31, 2, 30, tzinfo=UTC)),
        ("HOLDUNTIL=2027-01-31T08:00:00-01:00", datetime(2027, 1, 31, 9, tzinfo=UTC)),
        ("HOLDUNTIL=2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_moment_of_release_is_read(parameter: str, at: datetime) -> None:
    assert release_at(parameter) == at


@pytest.mark.parametrize(
    "parameters",
    [
        "HOLDFOR",
        "HOLDFOR=0",
        "HOLDFOR=01",
        "HOLDFOR=-1",
        "HOLDFOR=1.5",
        "HOLDFOR=1000000000",
        "HOLDFOR=\u0661",
        "HOLDUNTIL",
        "HOLDUNTIL=tomorrow",
        "HOLDUNTIL=2027-01-31",
        "HOLDUNTIL=2027-01-31T08:00Z",
        "HOLDUNTIL=2027-01-31T08:00:00",
        "HOLDUNTIL=2027-02-30T08:00:00Z",
        "HOLDUNTIL=2027-01-31T24:00:00Z",
        "HOLDUNTIL=2027-01-31T08:00:61Z",
        "HOLDUNTIL=2027-01-31T08:00:00+24:00",
        "HOLDUNTIL=2027-01-31T08:00:00+00:60",
        "HOLDUNTIL=0000-01-31T08:00:00Z",
        "HOLDUNTIL=0001-01-01T00:00:00+01:00",
        "HOLDUNTIL=9999-12-31T23:59:60Z",
        "HOLDFOR=10 HOLDUNTIL=2027-01-31T08:00:00Z",
        "HOLDFOR=10 HOLDFOR=10",
    ],
)
def test_what_is_no_such_moment_is_refused(parameters: str) -> None:
    with pytest.raises(CommandRefused) as refusal:
        parse_mail(f"FROM:<alice@example.test> {parameters}")
    assert str(refusal.value.reply).startswith("501 5.5.4")


def test_a_notice_repeats_what_was_asked() -> None:
    assert parse_future_release("60", "") == FutureRelease("for;60", interval=timedelta(minutes=1))
    until = parse_future_release("", "2027-01-31t08:00:00z")
    assert until is not None
    assert until.request == "until;2027-01-31T08:00:00Z"
    assert parse_future_release("", "") is None


def test_ehlo_says_how_long_and_until_when() -> None:
    assert longest_wait(max_seconds=3_600, now=NOON) == "FUTURERELEASE 3600 2026-11-27T13:00:00Z"


@given(
    st.integers(-2_000_000_000, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(-23 * 60, 23 * 60),
)
def test_every_moment_in_every_zone_is_read(at: datetime, offset: int) -> None:
    local = at.astimezone(timezone(timedelta(minutes=offset)))
    asked = parse_future_release("", local.isoformat())
    assert asked is not None
    assert asked.release_at(now=NOON) == local


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_values_are_read_or_refused(hold_for: str, hold_until: str) -> None:
    for both in ((hold_for, hold_until), (hold_for, ""), ("", hold_until)):
        with suppress(CommandRefused):
            asked = parse_future_release(*both)
            assert asked is None or asked.release_at(now=NOON).tzinfo is UTC


@given(st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})\Z"))
def test_digits_in_their_places_are_read_or_refused(text: str) -> None:
    with suppress(CommandRefused):
        asked = parse_future_release("", text)
        assert asked is not None
        assert asked.release_at(now=NOON).tzinfo is UTC
