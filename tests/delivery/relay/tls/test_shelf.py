"""MTA-STS policies in Postgres: kept for their time, fetched again each day."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery.models import KeptStsPolicy
from delivery.relay.tls.mta_sts import Fetch, FetchFailed, KeptPolicy
from delivery.relay.tls.refreshing import refresh_policies
from delivery.relay.tls.shelf import read_policy, write_policy
from mailhost.protocols.mta_sts import Mode, StsPolicy

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = 7 * 86_400
ENFORCE = StsPolicy(Mode.ENFORCE, WEEK, ("mx.far.test", "*.far.test"))
TESTING = StsPolicy(Mode.TESTING, WEEK, ("mx.far.test",))

pytestmark = pytest.mark.django_db


def served(**policies: StsPolicy) -> tuple[list[str], Fetch]:
    asked: list[str] = []

    async def fetch(domain: str) -> StsPolicy:
        asked.append(domain)
        policy = policies.get(domain.partition(".")[0])
        if policy is None:
            raise FetchFailed("sts-policy-fetch-error", "The web server is away.")
        return policy

    return asked, fetch


def test_a_policy_is_kept_for_its_time() -> None:
    assert read_policy("far.test", now=NOON) is None
    kept = KeptPolicy(ENFORCE, "a1", NOON)
    write_policy("far.test", kept)
    assert read_policy("far.test", now=NOON + 6 * DAY) == kept
    assert read_policy("other.test", now=NOON) is None
    assert read_policy("far.test", now=NOON + 7 * DAY) is None


def test_an_older_policy_never_takes_the_place_of_a_newer_one() -> None:
    write_policy("far.test", KeptPolicy(TESTING, "a2", NOON + HOUR))
    write_policy("far.test", KeptPolicy(ENFORCE, "a1", NOON))
    assert read_policy("far.test", now=NOON + HOUR) == KeptPolicy(TESTING, "a2", NOON + HOUR)


def test_what_was_changed_by_hand_is_no_policy() -> None:
    write_policy("far.test", KeptPolicy(ENFORCE, "a1", NOON))
    KeptStsPolicy.objects.update(policy="nonsense")
    assert read_policy("far.test", now=NOON) is None


def test_the_day_of_its_use_is_kept() -> None:
    write_policy("far.test", KeptPolicy(ENFORCE, "a1", NOON))
    read_policy("far.test", now=NOON + 23 * HOUR)
    assert KeptStsPolicy.objects.get().used_at == NOON
    read_policy("far.test", now=NOON + 25 * HOUR)
    assert KeptStsPolicy.objects.get().used_at == NOON + 25 * HOUR


def test_a_policy_is_fetched_again_each_day() -> None:
    write_policy("far.test", KeptPolicy(ENFORCE, "a1", NOON))
    asked, fetch = served(far=TESTING)
    assert refresh_policies(now=NOON + 23 * HOUR, fetch=fetch) == 0
    assert refresh_policies(now=NOON + 24 * HOUR, fetch=fetch) == 1
    assert refresh_policies(now=NOON + 25 * HOUR, fetch=fetch) == 0
    assert asked == ["far.test"]
    now = NOON + 24 * HOUR
    assert read_policy("far.test", now=now) == KeptPolicy(TESTING, "a1", now)


def test_a_policy_that_cannot_be_fetched_again_holds_until_its_time_is_over() -> None:
    write_policy("far.test", KeptPolicy(ENFORCE, "a1", NOON))
    asked, fetch = served()
    for days in range(1, 7):
        assert refresh_policies(now=NOON + days * DAY, fetch=fetch) == 0
        assert read_policy("far.test", now=NOON + days * DAY) == KeptPolicy(ENFORCE, "a1", NOON)
    assert len(asked) == 6  # once a day
    assert KeptStsPolicy.objects.get().failure == "The web server is away."
    refresh_policies(now=NOON + 7 * DAY, fetch=fetch)
    assert not KeptStsPolicy.objects.exists()


def test_a_policy_that_no_mail_went_by_for_a_month_is_left_to_its_end() -> None:
    year = StsPolicy(Mode.ENFORCE, 365 * 86_400, ("mx.far.test",))
    write_policy("far.test", KeptPolicy(year, "a1", NOON))
    asked, fetch = served(far=year)
    refresh_policies(now=NOON + 40 * DAY, fetch=fetch)
    assert asked == []
    read_policy("far.test", now=NOON + 40 * DAY)  # mail goes again
    refresh_policies(now=NOON + 40 * DAY, fetch=fetch)
    assert asked == ["far.test"]


def test_one_that_fails_keeps_no_other_from_being_fetched() -> None:
    for number in range(25):
        write_policy(f"far{number}.test", KeptPolicy(ENFORCE, "a1", NOON))
    asked, fetch = served(**{f"far{number}": ENFORCE for number in range(1, 25)})
    assert refresh_policies(now=NOON + DAY, fetch=fetch) == 24
    assert len(asked) == 25
