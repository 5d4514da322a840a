"""Bounces, complaints, entries by hand, lifting and time in any order, against what the list means."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from delivery.models import QueuedRecipient, ReturnedKind, Suppression
from delivery.suppression import suppressed_among
from delivery.suppression_learning import learn_from_bounces, learn_from_returned
from delivery.suppression_lists import SuppressionNotFound, lift, list_of_account, remove_expired, suppress
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.bounce_causes import Cause
from tests.delivery.suppression.test_learning import alice, relaying, submit
from tests.support.queueing import NOON

__all__ = ["alice", "relaying"]

BOB = EmailAddress("bob", "far.test")
KEY = "bob@far.test"
AFTER, DAYS, COMPLAINT_DAYS = 3, 30, 100


@dataclass
class Model:
    """What should be: nothing is known while count is 0 and nothing is active."""

    count: int = 0
    source: str = ""
    is_active: bool = False
    expires_at: datetime | None = None

    def pass_time(self, now: datetime) -> None:
        if self.expires_at is not None and self.expires_at <= now:
            self.count, self.source, self.is_active, self.expires_at = 0, "", False, None

    def bounce(self, now: datetime) -> None:
        is_new = self.source == ""
        self.source, self.count = self.source or "bounce", self.count + 1
        self.is_active = self.is_active or self.count >= AFTER
        if is_new or self.expires_at is not None:
            self.expires_at = max(self.expires_at or now, now + timedelta(days=DAYS))

    def complain(self, now: datetime) -> None:
        is_new = self.source == ""
        if self.source in {"", "bounce"}:
            self.source = "complaint"
        self.count, self.is_active = self.count + 1, True
        if is_new or self.expires_at is not None:
            self.expires_at = max(self.expires_at or now, now + timedelta(days=COMPLAINT_DAYS))

    def put(self, expires_at: datetime | None) -> None:
        self.count, self.source, self.is_active, self.expires_at = 0, "hand", True, expires_at

    def lift(self) -> None:
        self.count, self.source, self.is_active, self.expires_at = 0, "", False, None


STEPS = st.one_of(
    st.tuples(st.just("bounce"), st.just(0)),
    st.tuples(st.just("complain"), st.just(0)),
    st.tuples(st.just("put"), st.integers(0, 40)),
    st.tuples(st.just("lift"), st.just(0)),
    st.tuples(st.just("clean"), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 60)),
)


@pytest.fixture
def sent(alice: Account, settings: Settings) -> int:
    """A recipient's id: mail of hers to Bob."""
    settings.SUPPRESS_AFTER, settings.SUPPRESS_DAYS = AFTER, DAYS
    settings.SUPPRESS_COMPLAINT_DAYS = COMPLAINT_DAYS
    submit(alice, KEY)
    return QueuedRecipient.objects.get().pk


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
def test_the_list_means_what_it_says(alice: Account, sent: int, steps: list[tuple[str, int]]) -> None:
    Suppression.objects.all().delete()
    model, now = Model(), NOON
    for step, days in steps:
        now += timedelta(seconds=1)
        model.pass_time(now)
        match step:
            case "bounce":
                learn_from_bounces({sent: (KEY, Cause.NO_SUCH_USER, "550 5.1.1")}, now=now)
                model.bounce(now)
            case "complain":
                learn_from_returned(
                    kind=ReturnedKind.COMPLAINT, recipient_id=sent, cause=None, words="", now=now
                )
                model.complain(now)
            case "put":
                expires_at = now + timedelta(days=days) if days else None
                suppress(address=BOB, account_id=alice.pk, expires_at=expires_at, by="test", now=now)
                model.put(expires_at)
            case "lift":
                _lift(alice, is_there=model.is_active, now=now)
                if model.is_active:
                    model.lift()
            case "clean":
                remove_expired(now=now)
            case "wait":
                now += timedelta(days=days)
                model.pass_time(now)
        found = suppressed_among(account_id=alice.pk, addresses=[KEY], now=now)
        assert (KEY in found) == model.is_active
        if model.is_active:
            assert (found[KEY].source, found[KEY].count) == (model.source, model.count)
            assert found[KEY].expires_at == model.expires_at


def _lift(account: Account, *, is_there: bool, now: datetime) -> None:
    remove_expired(now=now)
    row = list_of_account(account_id=account.pk).first()
    assert (row is not None) == is_there
    number = row.pk if row else 0
    try:
        lift(suppression_id=number, among=list_of_account(account_id=account.pk), by="test")
        assert is_there
    except SuppressionNotFound:
        assert not is_there
