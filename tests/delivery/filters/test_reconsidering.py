"""What people's corrections would do with the next message like the one they corrected."""

import pytest

from delivery.filters.reconsidering import judge_again
from delivery.findings import Action, Finding
from mailboxes.junk.classifier import MIN_LESSONS
from mailboxes.junk.learning import learn, learn_from
from mailboxes.models import Account, Content, Lesson
from mailboxes.sender_rules import set_sender_rule
from tests.support.hosting import new_account
from tests.support.judging import JUNK, NOW, OFFER, SPF, come_in

DISOWNED = Finding("dmarc", "fail", "shop.test disowns it.", 1.5)


@pytest.fixture
def alice(db: None) -> Account:
    return new_account("alice")


def test_without_a_correction_the_next_one_is_judged_as_this_one(alice: Account) -> None:
    again = judge_again(account_id=alice.pk, content_id=come_in(alice))
    assert again is not None
    assert (again.action, again.score) == (Action.JUNK, 5.5)
    assert {finding.check for finding in again.findings} == {"dkim", "spf", "subject"}


def test_a_sender_that_is_let_in_now_goes_to_the_inbox(alice: Account) -> None:
    content_id = come_in(alice)
    set_sender_rule(account_id=alice.pk, pattern="@shop.test", is_allowed=True, by="test")
    again = judge_again(account_id=alice.pk, content_id=content_id)
    assert again is not None
    assert again.action is Action.DELIVER
    assert again.findings[0].text == "You let in mail from @shop.test."


def test_who_is_let_in_has_to_be_who_it_says_it_is(alice: Account) -> None:
    content_id = come_in(alice, OFFER % 1, *JUNK, DISOWNED)
    set_sender_rule(account_id=alice.pk, pattern="@shop.test", is_allowed=True, by="test")
    again = judge_again(account_id=alice.pk, content_id=content_id)
    assert again is not None
    assert again.action is Action.JUNK
    assert "unproven" in {finding.result for finding in again.findings}


def test_a_sender_that_is_refused_is_refused(alice: Account) -> None:
    content_id = come_in(alice, OFFER % 1, SPF)
    set_sender_rule(account_id=alice.pk, pattern="offers@shop.test", is_allowed=False, by="test")
    again = judge_again(account_id=alice.pk, content_id=content_id)
    assert again is not None
    assert again.action is Action.REFUSE


def test_what_the_account_said_when_it_came_counts_as_it_says_now(alice: Account) -> None:
    old = Finding("sender-rule", "refused", "You refuse mail from @shop.test.", 100.0)
    again = judge_again(account_id=alice.pk, content_id=come_in(alice, OFFER % 1, SPF, old))
    assert again is not None
    assert (again.action, again.score) == (Action.DELIVER, 2.5)


def test_a_lesson_is_learned_at_once_and_heeded(alice: Account) -> None:
    others = [come_in(alice, OFFER % number, SPF) for number in range(2, 2 * MIN_LESSONS)]
    wanted = OFFER.replace(b"watches", b"letters").replace(b"shop.test", b"friends.test")
    others += [
        come_in(alice, wanted.replace(b"Only today", b"Dear Alice") % number, SPF)
        for number in range(2, 2 * MIN_LESSONS)
    ]
    for content_id in others:
        from_shop = b"shop.test" in bytes(Content.objects.get(pk=content_id).octets)
        learn(account_id=alice.pk, content_id=content_id, is_junk=from_shop, now=NOW)
    assert learn_from(others, now=NOW) == 2 * len(others)
    content_id = come_in(alice, OFFER % 1, SPF)
    before = judge_again(account_id=alice.pk, content_id=content_id)
    assert before is not None
    assert before.action is Action.JUNK
    assert before.findings[0].check == "lessons"
    for content_id in others:
        learn(account_id=alice.pk, content_id=content_id, is_junk=False, now=NOW)
    learn_from(others, now=NOW)
    assert not Lesson.objects.filter(is_waiting=True).exists()
    after = judge_again(account_id=alice.pk, content_id=content_id)
    assert after is not None
    assert after.action is Action.DELIVER


def test_what_was_never_judged_is_judged_by_the_account_alone(alice: Account) -> None:
    content_id = come_in(alice, OFFER % 1, SPF)
    bob = new_account("bob")
    set_sender_rule(account_id=bob.pk, pattern="@shop.test", is_allowed=False, by="test")
    again = judge_again(account_id=bob.pk, content_id=content_id)
    assert again is not None
    assert [finding.check for finding in again.findings] == ["sender-rule"]


def test_of_a_message_that_is_gone_nothing_can_be_said(alice: Account) -> None:
    assert judge_again(account_id=alice.pk, content_id=987_654_321) is None
