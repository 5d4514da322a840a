"""Learning from lessons, judging by what was learned, forgetting."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailboxes import tasks
from mailboxes.accounts import remove_account
from mailboxes.junk import learning
from mailboxes.junk.forgetting import SINGLE_KEPT_FOR, SLICE_SECONDS, SLICES, forget, slice_at
from mailboxes.junk.judging import classify
from mailboxes.junk.learning import learn, learn_waiting
from mailboxes.junk.tokens import hash_of, tokens_of
from mailboxes.models import SITE, Content, JunkCount, Lesson
from tests.mailboxes.junk.lessons import (
    JUNK_MAIL,
    NOW,
    WANTED_MAIL,
    an_account,
    contents_of,
    count_of,
    counts_of,
    learn_all,
    lessons_of,
    put,
    teach,
    totals_of,
    train,
)

PILLS = JUNK_MAIL % (1, 1, 1)


def test_a_message_is_learned_once_in_each_scope(db: None) -> None:
    account_id = an_account()
    (content_id,) = teach(account_id, PILLS, is_junk=True)
    for _ in range(3):
        learn(account_id=account_id, content_id=content_id, is_junk=True, now=NOW)
        learn_all()
    for scope in (account_id, SITE):
        assert totals_of(scope) == (1, 0)
        assert count_of(scope, "pills") == (1, 0)
    assert len(counts_of(account_id)) == len(tokens_of(PILLS))


def test_two_who_say_the_same_teach_the_site_once_each_of_their_own(db: None) -> None:
    one, other = an_account(), an_account()
    (content_id,) = teach(one, PILLS, is_junk=True)
    learn(account_id=other, content_id=content_id, is_junk=True, now=NOW)
    learn_all()
    assert totals_of(one) == totals_of(other) == totals_of(SITE) == (1, 0)


def test_a_verdict_that_is_turned_round_is_unlearned(db: None) -> None:
    account_id = an_account()
    (content_id,) = teach(account_id, PILLS, is_junk=True)
    learn(account_id=account_id, content_id=content_id, is_junk=False, now=NOW)
    learn_all()
    assert totals_of(account_id) == (0, 1)
    assert set(counts_of(account_id).values()) == {(0, 1)}


def test_turned_round_and_back_before_anybody_learned_is_as_if_nothing_was_said(db: None) -> None:
    account_id = an_account()
    (content_id,) = teach(account_id, PILLS, is_junk=True)
    before = counts_of(account_id)
    for is_junk in (False, True):
        learn(account_id=account_id, content_id=content_id, is_junk=is_junk, now=NOW)
    learn_all()
    assert counts_of(account_id) == before
    assert not Lesson.objects.filter(is_waiting=True).exists()


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(st.booleans(), max_size=4), last=st.booleans())
def test_only_the_last_word_counts(db: None, turns: list[bool], last: bool) -> None:
    wavering, firm = an_account(), an_account()
    (content_id,) = teach(wavering, PILLS, is_junk=last)
    for is_junk in (*turns, last):
        learn(account_id=wavering, content_id=content_id, is_junk=is_junk, now=NOW)
        learn_all()
    teach(firm, PILLS, is_junk=last)
    assert counts_of(wavering) == counts_of(firm)
    assert totals_of(wavering) == totals_of(firm)


def test_what_was_learned_is_unlearned_as_it_was(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer release may find other tokens in the same message."""
    account_id = an_account()
    (content_id,) = teach(account_id, PILLS, is_junk=True)
    monkeypatch.setattr(learning, "tokens_of", lambda octets: ["quite", "other"])
    learn(account_id=account_id, content_id=content_id, is_junk=False, now=NOW)
    learn_all()
    assert set(counts_of(account_id).values()) == {(0, 1)}


def test_unlearning_what_was_forgotten_counts_nothing_below_nothing(db: None) -> None:
    account_id = an_account()
    (content_id,) = teach(account_id, PILLS, is_junk=True)
    JunkCount.objects.all().delete()
    learn(account_id=account_id, content_id=content_id, is_junk=False, now=NOW)
    learn_all()
    assert set(counts_of(account_id).values()) == {(0, 1)}


def test_a_lesson_about_what_is_gone_is_dropped(db: None) -> None:
    account_id = an_account()
    put(account_id, PILLS)
    (content_id,) = contents_of(account_id)
    learn(account_id=account_id, content_id=content_id, is_junk=True, now=NOW)
    Content.objects.filter(pk=content_id).delete()
    learn_all()
    assert lessons_of(account_id) == {}
    assert counts_of(account_id) == {}


def test_an_account_is_judged_by_what_it_has_taught(db: None) -> None:
    account_id, other = an_account(), an_account()
    train(account_id)
    judged = classify([account_id, other], JUNK_MAIL % (99, 99, 99))
    assert judged[account_id].is_junk
    assert judged[account_id].reasons
    assert judged[other].is_junk  # by the site
    assert classify([account_id], WANTED_MAIL % (99, 99, 99))[account_id].score < 0.1


def test_octets_and_their_tokens_are_judged_alike(db: None) -> None:
    account_id = an_account()
    train(account_id)
    assert classify([account_id], PILLS) == classify([account_id], tokens_of(PILLS))


def test_without_lessons_nothing_is_said(db: None) -> None:
    account_id = an_account()
    teach(account_id, PILLS, is_junk=True)
    judged = classify([account_id], PILLS)[account_id]
    assert (judged.is_trained, judged.score, judged.reasons) == (False, 0.5, ())
    assert classify([], PILLS) == {}


def test_what_one_account_taught_against_the_site_holds_for_it_alone(db: None) -> None:
    teacher, reader = an_account(), an_account()
    train(teacher, count=12)
    teach(reader, *(WANTED_MAIL % (n, n, n) for n in range(200, 212)), is_junk=True)
    teach(reader, *(JUNK_MAIL % (n, n, n) for n in range(200, 212)), is_junk=False)
    judged = classify([teacher, reader], JUNK_MAIL % (99, 99, 99))
    assert judged[teacher].score > 0.5 > judged[reader].score


def test_tokens_of_long_ago_that_stood_in_one_message_are_forgotten(db: None) -> None:
    account_id = an_account()
    teach(account_id, PILLS, PILLS + b"again\r\n", is_junk=True)
    later = NOW + SINGLE_KEPT_FOR + timedelta(days=1)
    for number in range(SLICES):
        forget(now=later + timedelta(seconds=SLICE_SECONDS * number))
    assert count_of(account_id, "pills") == (2, 0)
    assert count_of(account_id, "again") == (0, 0)
    assert set(counts_of(account_id).values()) == {(2, 0)}
    assert totals_of(account_id) == (2, 0)


def test_slices_are_all_hashes() -> None:
    slices = sorted(slice_at(NOW + timedelta(seconds=SLICE_SECONDS * number)) for number in range(SLICES))
    assert slices[0][0] == -(2**63)
    assert slices[-1][1] == 2**63 - 1
    assert all(one[1] + 1 == other[0] for one, other in pairwise(slices))


def test_what_a_removed_account_taught_goes(db: None) -> None:
    account_id = an_account()
    teach(account_id, PILLS, is_junk=True)
    remove_account(account_id=account_id, by="test")
    for number in range(SLICES):
        forget(now=NOW + timedelta(seconds=SLICE_SECONDS * number))
    assert (counts_of(account_id), totals_of(account_id)) == ({}, (0, 0))
    assert totals_of(SITE) == (1, 0)


def test_lessons_go_with_their_messages(db: None) -> None:
    account_id = an_account()
    (content_id,) = teach(account_id, PILLS, is_junk=True)
    Content.objects.filter(pk=content_id).delete()
    forget(now=NOW)
    assert lessons_of(account_id) == {}
    assert totals_of(account_id) == (1, 0)


def test_two_workers_at_once_neither_deadlock_nor_count_twice(shared_db: None) -> None:
    account_id = an_account()
    messages = [JUNK_MAIL % (number, number, number) for number in range(60)]
    put(account_id, *messages)
    for number, content_id in enumerate(contents_of(account_id)):
        learn(account_id=account_id, content_id=content_id, is_junk=number % 2 == 0, now=NOW)
    site = totals_of(SITE)
    others = (
        Lesson.objects.filter(scope=SITE, is_waiting=True)
        .exclude(content_id__in=contents_of(account_id))
        .count()
    )
    together = threading.Barrier(3)

    def work() -> None:
        together.wait()
        try:
            while learn_waiting(now=NOW, limit=7):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as workers:
        for done in [workers.submit(work) for _ in range(3)]:
            done.result(timeout=120)
    learn_all()
    assert totals_of(account_id) == (30, 30)
    assert count_of(account_id, "pills") == (30, 30)
    assert sum(totals_of(SITE)) - sum(site) == 60 + others


def test_turning_round_while_others_learn_ends_with_the_last_word(shared_db: None) -> None:
    account_id = an_account()
    put(account_id, *(JUNK_MAIL % (number, number, number) for number in range(20)))
    contents = contents_of(account_id)
    ended = threading.Event()

    def work() -> None:
        try:
            while learn_waiting(now=NOW, limit=3) or not ended.is_set():
                pass
        finally:
            connection.close()

    def turn() -> None:
        try:
            for is_junk in (True, False, True, False):
                for content_id in reversed(contents):
                    learn(account_id=account_id, content_id=content_id, is_junk=is_junk, now=NOW)
        finally:
            ended.set()
            connection.close()

    with ThreadPoolExecutor(3) as workers:
        for done in [workers.submit(work), workers.submit(work), workers.submit(turn)]:
            done.result(timeout=120)
    learn_all()
    assert totals_of(account_id) == (0, 20)
    assert count_of(account_id, "pills") == (0, 20)
    assert hash_of("pills") in counts_of(account_id)


def test_the_worker_learns_and_forgets(db: None) -> None:
    account_id = an_account()
    put(account_id, PILLS)
    learn(account_id=account_id, content_id=contents_of(account_id)[0], is_junk=True, now=NOW)
    tasks.learn_junk()
    assert totals_of(account_id) == (1, 0)
    tasks.forget_junk()
    assert totals_of(account_id) == (1, 0)
