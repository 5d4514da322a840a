"""From counts to one figure."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailboxes.junk.classifier import (
    MIN_LESSONS,
    UNDECIDED,
    Counts,
    Knowledge,
    combine,
    describe,
    judge,
    log_chi_square_tail,
)

BELIEFS = st.floats(0.001, 0.999)
TOTALS = Counts(100, 100)


def knowing(**tokens: tuple[int, int]) -> Knowledge:
    return Knowledge(TOTALS, {token: Counts(*counts) for token, counts in tokens.items()})


@given(st.lists(BELIEFS, max_size=300))
def test_a_figure_lies_between_nothing_and_one(beliefs: list[float]) -> None:
    assert 0 <= combine(beliefs) <= 1


@given(st.lists(BELIEFS, min_size=1, max_size=100))
def test_opposite_tokens_make_the_opposite_figure(beliefs: list[float]) -> None:
    assert combine([1 - belief for belief in beliefs]) == pytest.approx(1 - combine(beliefs), abs=1e-9)


@given(st.lists(BELIEFS, min_size=1, max_size=50), st.integers(0, 49), st.floats(0.001, 0.2))
def test_a_token_that_is_more_of_junk_makes_no_message_more_wanted(
    beliefs: list[float], place: int, step: float
) -> None:
    changed = list(beliefs)
    changed[place % len(beliefs)] = min(changed[place % len(beliefs)] + step, 0.999)
    assert combine(changed) >= combine(beliefs) - 1e-12


@pytest.mark.parametrize("count", [1, 2, 10, 150])
@pytest.mark.parametrize("half", [0.1, 1.0, 5.0, 50.0, 200.0])
def test_the_tail_of_chi_square_is_the_sum_that_defines_it(half: float, count: int) -> None:
    wanted = sum(math.exp(k * math.log(half) - math.lgamma(k + 1) - half) for k in range(count))
    assert math.exp(log_chi_square_tail(half, count)) == pytest.approx(wanted, rel=1e-9)


def test_thousands_of_tokens_neither_underflow_nor_overflow() -> None:
    assert -20_000 < log_chi_square_tail(20_000.0, 3_000) < -5_000
    assert log_chi_square_tail(1.0, 3_000) == 0.0
    assert combine([0.999] * 3_000) == 1.0
    assert combine([0.001] * 3_000) < 1e-12
    assert combine([0.001, 0.999] * 1_500) == pytest.approx(0.5)


def test_nothing_known_is_undecided() -> None:
    assert combine([]) == UNDECIDED
    judged = judge(["new"], [knowing(old=(10, 0))])
    assert (judged.score, judged.is_trained, judged.reasons) == (UNDECIDED, True, ())


def test_a_scope_with_few_lessons_of_one_kind_is_not_heard() -> None:
    few = Knowledge(Counts(1_000, MIN_LESSONS - 1), {"pills": Counts(1_000, 0)})
    assert not judge(["pills"], [few]).is_trained
    assert judge(["pills"], [few]).score == UNDECIDED
    assert judge(["pills"], [few, knowing(pills=(0, 50))]).score < UNDECIDED


def test_words_of_junk_make_junk_and_of_wanted_mail_wanted_mail() -> None:
    scope = knowing(pills=(50, 0), cheap=(60, 2), minutes=(0, 50), meeting=(1, 60))
    assert judge(["pills", "cheap"], [scope]).is_junk
    assert judge(["minutes", "meeting"], [scope]).score < 0.1


def test_what_an_account_has_said_often_wins_over_the_site() -> None:
    site = knowing(newsletter=(90, 0))
    once = judge(["newsletter"], [site, knowing(newsletter=(0, 1))])
    often = judge(["newsletter"], [site, knowing(newsletter=(0, 20))])
    assert often.score < once.score < judge(["newsletter"], [site]).score
    assert often.score < UNDECIDED
    assert judge(["newsletter"], [site, knowing(other=(0, 20))]) == judge(["newsletter"], [site])


def test_a_token_counts_by_its_share_of_each_kind() -> None:
    """Ten times as much junk was learned as wanted mail: a word that half of both have tells nothing."""
    scope = Knowledge(Counts(1_000, 100), {"the": Counts(500, 50)})
    assert judge(["the"], [scope]).score == UNDECIDED


def test_reasons_say_what_told_most() -> None:
    judged = judge(["pills", "meeting", "url:pills.example"], [knowing(pills=(90, 0), meeting=(0, 5))])
    assert judged.reasons == (
        'the word "pills" (100% junk)',
        'the word "meeting" (3% junk)',
    )


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("buy now", 'the words "buy now"'),
        ("subject:winner", 'Subject with "winner"'),
        ("url:pills.example", 'a link with "pills.example"'),
        ("file:.exe", 'an attachment named ".exe"'),
        ("x-mailer:massmailer", 'X-Mailer with "massmailer"'),
    ],
)
def test_tokens_are_told_in_plain_words(token: str, text: str) -> None:
    assert describe(token) == text
