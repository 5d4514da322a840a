"""From findings to a verdict."""

from hypothesis import given
from hypothesis import strategies as st

from delivery.findings import Action, Finding, Thresholds, judge

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
