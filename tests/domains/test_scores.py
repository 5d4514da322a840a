"""From how many points on mail is treated otherwise: said by domains and accounts, within bounds."""

import pytest

from delivery.filters.policies import read_policies
from delivery.findings import Thresholds
from domains.exceptions import ScoreInvalid
from domains.registration import add_domain, change_domain
from domains.scores import MAX_SCORE, MIN_SCORE
from mailboxes.accounts import change_account
from mailhost.audit.models import Act
from tests.support.hosting import new_account

pytestmark = pytest.mark.django_db


def test_an_account_goes_by_its_own_numbers_then_by_its_domains() -> None:
    domain = add_domain(name="scores.example.test", junk_score=4, quarantine_score=8, by="test").name
    alice = new_account("alice", domain=domain)

    def thresholds() -> Thresholds:
        return read_policies(account_ids=[alice.pk], senders=[])[alice.pk].thresholds

    assert thresholds() == Thresholds(4, 8, 15)
    change_account(account_id=alice.pk, junk_score=6, refuse_score=20, by="alice")
    assert thresholds() == Thresholds(6, 8, 20)
    change_account(account_id=alice.pk, junk_score=None, by="alice")
    change_domain(name=domain, quarantine_score=None, by="root")
    assert thresholds() == Thresholds(4, None, 20)
    changed = Act.objects.filter(verb__in=["account changed", "domain changed"]).order_by("id")
    assert [(act.actor, act.details) for act in changed] == [
        ("alice", {"junk_score": 6, "refuse_score": 20}),
        ("alice", {"junk_score": None}),
        ("root", {"quarantine_score": None}),
    ]


@pytest.mark.parametrize("score", [-1, MIN_SCORE - 0.01, MAX_SCORE + 0.01, float("nan"), float("inf")])
def test_numbers_that_would_lose_mail_or_do_nothing_are_refused(score: float) -> None:
    alice = new_account("alice")
    with pytest.raises(ScoreInvalid, match="between 1 and 50 points") as refused:
        change_account(account_id=alice.pk, refuse_score=score, by="test")
    assert refused.value.field == "refuse_score"
    with pytest.raises(ScoreInvalid):
        change_domain(name=alice.login.partition("@")[2], junk_score=score, by="test")
    with pytest.raises(ScoreInvalid):
        add_domain(name="other.example.test", junk_score=score, by="test")


def test_never_is_a_number_of_quarantine_and_refusal_and_not_of_junk() -> None:
    alice = new_account("alice")
    changed = change_account(account_id=alice.pk, refuse_score=0, quarantine_score=0, by="test")
    assert (changed.refuse_score, changed.quarantine_score) == (0, 0)
    with pytest.raises(ScoreInvalid):
        change_account(account_id=alice.pk, junk_score=0, by="test")
