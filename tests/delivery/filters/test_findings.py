"""From findings to a verdict."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.filters.recording import Judged, read_verdict, record_verdicts
from delivery.findings import Action, Finding, Thresholds, judge
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 26, tzinfo=UTC)
USUAL = Thresholds(junk=5, quarantine=10, refuse=15)
FINDINGS = st.builds(
    Finding,
    check=st.sampled_from(["spf", "header"]),
    result=st.just("x"),
    text=st.just("x"),
    score=st.floats(-10, 20),
    at_least=st.sampled_from(Action),
)


def points(score: float) -> Finding:
    return Finding("header", "x", "x", score)


def test_points_add_up_to_what_is_done() -> None:
    assert judge([points(3), points(1.9)], USUAL).action is Action.DELIVER
    assert judge([points(3), points(2)], USUAL).action is Action.JUNK
    assert judge([points(8), points(2)], USUAL).action is Action.QUARANTINE
    assert judge([points(15)], USUAL).action is Action.REFUSE


def test_points_never_refuse_where_no_threshold_says_so() -> None:
    assert judge([points(1000)], Thresholds(junk=5)).action is Action.JUNK


def test_what_a_finding_demands_is_not_outweighed() -> None:
    demand = Finding("dmarc", "fail", "x", at_least=Action.QUARANTINE)
    assert judge([demand, points(-100)], USUAL).action is Action.QUARANTINE


def test_what_weighs_most_is_told_first() -> None:
    demand = Finding("dmarc", "fail", "x", at_least=Action.JUNK)
    assert judge([points(1), points(-2), demand], USUAL).findings == (demand, points(-2), points(1))


@given(st.lists(FINDINGS), FINDINGS.filter(lambda finding: finding.score >= 0))
def test_another_bad_finding_never_makes_a_verdict_milder(findings: list[Finding], more: Finding) -> None:
    assert judge([*findings, more], USUAL).action >= judge(findings, USUAL).action


@pytest.mark.django_db
def test_whatever_a_check_has_quoted_can_be_stored() -> None:
    account = new_account("alice")
    finding = Finding("lessons", "junk", "odd: \0 \ud800 " + "x" * 5_000, 5.5)
    record_verdicts([(Judged(account.pk, judge([finding], USUAL), "t", "192.0.2.1", ""), 1)], now=NOW)
    verdict = read_verdict(account_id=account.pk, content_id=1)
    assert verdict is not None
    assert verdict.findings[0].text.startswith("odd:  ? xxx")
    assert (verdict.action, verdict.findings[0].score) == (Action.JUNK, 5.5)
