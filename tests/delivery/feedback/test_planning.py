"""When the reports of a day are made: after it, spread over hours, no more than there may be."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from delivery.feedback.counting import MESSAGES, count_messages
from delivery.feedback.observing import Head, Observation
from delivery.feedback.planning import GRACE, SPREAD, plan_reports
from delivery.feedback.tallying import Tally
from delivery.models import DmarcFeedback, FeedbackState
from mailhost.protocols.dmarc.aggregate_reports import Row
from tests.support.observing import DAY, observation

MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC)


def count(*seen: Observation) -> None:
    tally = Tally[Head, Row]()
    for each in seen:
        tally.add(each)
    count_messages(tally.take())


def states() -> dict[str, str]:
    return dict(DmarcFeedback.objects.values_list("domain", "state"))


def test_a_day_is_planned_once_it_is_over(reporting: Settings) -> None:
    count(observation(), observation(day=DAY + timedelta(days=1)))
    assert plan_reports(MESSAGES, now=MIDNIGHT + GRACE - timedelta(seconds=1), per_day=9) == 0
    assert plan_reports(MESSAGES, now=MIDNIGHT + GRACE, per_day=9) == 1
    assert plan_reports(MESSAGES, now=MIDNIGHT + GRACE, per_day=9) == 0
    assert list(DmarcFeedback.objects.filter(state=FeedbackState.DUE).values_list("day", flat=True)) == [DAY]


def test_reports_are_spread_over_hours_and_stay_where_they_are(reporting: Settings) -> None:
    count(*(observation(f"d{number}.test") for number in range(300)))
    plan_reports(MESSAGES, now=MIDNIGHT + GRACE, per_day=1_000)
    moments = [each.due_at for each in DmarcFeedback.objects.all()]
    offsets = [moment - MIDNIGHT - GRACE for moment in moments if moment is not None]
    assert len(offsets) == 300
    assert timedelta(0) <= min(offsets) < SPREAD / 20
    assert SPREAD * 19 / 20 < max(offsets) < SPREAD
    first_hour = sum(offset < timedelta(hours=1) for offset in offsets)
    assert 25 <= first_hour <= 75


def test_those_with_most_messages_come_first_and_the_others_are_left_out(reporting: Settings) -> None:
    count(*[observation("busy.test")] * 3, *[observation("some.test")] * 2, observation("quiet.test"))
    plan_reports(MESSAGES, now=MIDNIGHT + GRACE, per_day=2)
    assert states() == {"busy.test": "due", "some.test": "due", "quiet.test": "left out"}


def test_what_comes_late_shares_the_number_of_its_day(reporting: Settings) -> None:
    count(observation("one.test"))
    plan_reports(MESSAGES, now=MIDNIGHT + GRACE, per_day=2)
    count(observation("two.test"), observation("three.test"))
    plan_reports(MESSAGES, now=MIDNIGHT + GRACE, per_day=2)
    assert sorted(states().values()) == ["due", "due", "left out"]


@pytest.mark.parametrize("days", [1, 3])
def test_after_an_absence_everything_is_due_at_once(reporting: Settings, days: int) -> None:
    now = MIDNIGHT + timedelta(days=days, hours=23)
    count(observation())
    plan_reports(MESSAGES, now=now, per_day=9)
    [feedback] = DmarcFeedback.objects.all()
    assert feedback.due_at is not None
    assert feedback.due_at <= now
