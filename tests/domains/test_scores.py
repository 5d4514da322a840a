"""From how many points on mail is treated otherwise: said by domains and accounts, within bounds."""

import pytest

from delivery.filters.policies import read_policies
from delivery.findings import Thresholds
from domains.exceptions import ScoreInvalid
from domains.registration import add_domain, change_domain
from domains.scores import MAX_SCORE, MIN_SCORE
from mailboxes.accounts import add_account, change_account
from mailhost.audit.models import Act
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import PASSWORD, new_account

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


def test_what_is_stricter_begins_no_earlier_than_what_is_milder() -> None:
    domain = add_domain(name="order.example.test", junk_score=4, by="test").name
    alice = new_account("alice", domain=domain)
    with pytest.raises(
        ScoreInvalid, match="Junk cannot begin at 16 points: from 15 on, mail is refused"
    ) as refused:
        change_account(account_id=alice.pk, junk_score=16, by="test")  # the host refuses at 15
    assert refused.value.field == "junk_score"
    with pytest.raises(ScoreInvalid) as refused:
        change_account(account_id=alice.pk, quarantine_score=3, by="test")  # the domain's Junk is at 4
    assert refused.value.field == "quarantine_score"
    with pytest.raises(ScoreInvalid) as refused:
        change_domain(name=domain, refuse_score=2, by="test")
    assert refused.value.field == "refuse_score"
    with pytest.raises(ScoreInvalid):
        add_domain(name="order2.example.test", junk_score=20, by="test")
    change_account(account_id=alice.pk, junk_score=16, quarantine_score=16, refuse_score=0, by="test")
    change_domain(name=domain, refuse_score=4, by="test")
    assert change_account(account_id=alice.pk, display_name="Alice", by="test").display_name == "Alice"


def test_a_new_account_s_numbers_are_in_order_with_its_domains() -> None:
    domain = add_domain(name="order3.example.test", refuse_score=8, by="test").name
    with pytest.raises(ScoreInvalid):
        add_account(address=EmailAddress.parse(f"alice@{domain}"), password=PASSWORD, junk_score=9, by="test")
