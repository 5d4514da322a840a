"""From counts to one figure."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailboxes.junk import classifier
from mailboxes.junk.classifier import (
    ASSUMED,
    MAX_REASONS,
    MIN_DEVIATION,
    MIN_LESSONS,
    SITE_STRENGTH,
    STRENGTH,
    UNDECIDED,
    Judgement,
    Knowledge,
    Totals,
    describe,
    log_chi_square_tail,
)

BELIEFS = st.floats(0.001, 0.999)


class Scope:
    """What is known, by token."""

    def __init__(self, totals: Totals, tokens: dict[str, tuple[int, int]]) -> None:
        self.totals, self.tokens = totals, tokens

    def knowledge(self, tokens: list[str]) -> Knowledge:
        junk, wanted = np.array([self.tokens.get(token, (0, 0)) for token in tokens], np.int64).T
        return Knowledge(self.totals, junk, wanted)


def knowing(**tokens: tuple[int, int]) -> Scope:
    return Scope(Totals(100, 100), tokens)


def judge(tokens: list[str], scopes: list[Scope]) -> Judgement:
    return classifier.judge(tokens, [scope.knowledge(tokens) for scope in scopes])


def combine(beliefs: list[float]) -> float:
    return classifier.combine(np.array(beliefs, np.float64))


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
    few = Scope(Totals(1_000, MIN_LESSONS - 1), {"pills": (1_000, 0)})
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
    scope = Scope(Totals(1_000, 100), {"the": (500, 50)})
    assert judge(["the"], [scope]).score == UNDECIDED


def test_reasons_say_what_told_most() -> None:
    judged = judge(["pills", "meeting", "url:pills.example"], [knowing(pills=(90, 0), meeting=(0, 5))])
    assert judged.reasons == (
        'the word "pills" (100% junk)',
        'the word "meeting" (2% junk)',
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


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.tuples(*[st.integers(0, 90)] * 4)))
def test_beliefs_are_those_of_the_formula(tokens: dict[str, tuple[int, int, int, int]]) -> None:
    """Robinson's degree of belief, token by token: (s * x + n * p) / (s + n)."""
    told = []
    for counts in tokens.values():
        belief, strength = ASSUMED, STRENGTH
        for junk, wanted in (counts[:2], counts[2:]):
            if junk + wanted:
                ratio = junk / (junk + wanted)
                belief = (strength * belief + (junk + wanted) * ratio) / (strength + junk + wanted)
                strength = SITE_STRENGTH
        told.append(belief)
    telling = [belief for belief in told if abs(belief - ASSUMED) >= MIN_DEVIATION]
    site = knowing(**{token: counts[:2] for token, counts in tokens.items()})
    account = knowing(**{token: counts[2:] for token, counts in tokens.items()})
    judged = judge(list(tokens), [site, account]) if tokens else Judgement(UNDECIDED, True)
    assert judged.score == pytest.approx(combine(telling), abs=1e-9)
    assert len(judged.reasons) == min(len(telling), MAX_REASONS)
