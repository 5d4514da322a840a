"""What the checks of a message have found, in points and in words, and what is done with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Action(IntEnum):
    """What is done with a message for one recipient, from mild to strict."""

    DELIVER = 0
    JUNK = 1
    QUARANTINE = 2
    REFUSE = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result.

    check and result: words of the standards where there are some ("spf", "softfail"). score: points, above 0 for junk
    and below for wanted mail. text: a sentence for people. at_least: what has to be done whatever the points say.
    reply: what the client is told where this refuses the message, as Reply writes it; "" for words made of the text.
    """

    check: str
    result: str
    text: str
    score: float = 0.0
    at_least: Action = Action.DELIVER
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From how many points on a message is put into Junk, into quarantine, or refused; None: never for points."""

    junk: float
    quarantine: float | None = None
    refuse: float | None = None

    def action(self, score: float) -> Action:
        """What so many points lead to."""
        if self.refuse is not None and score >= self.refuse:
            return Action.REFUSE
        if self.quarantine is not None and score >= self.quarantine:
            return Action.QUARANTINE
        return Action.JUNK if score >= self.junk else Action.DELIVER


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done for one recipient, and why: the findings, those that weigh most first."""

    action: Action
    score: float
    findings: tuple[Finding, ...]

    @property
    def is_junk(self) -> bool:
        """Whether it goes to the Junk mailbox."""
        return self.action is Action.JUNK


def judge(findings: Iterable[Finding], thresholds: Thresholds) -> Verdict:
    """The strictest of what the points lead to and what single findings demand.

    A finding that only allows (`allowed`) counts by its points alone, so it never outweighs a demand.
    """
    ordered = tuple(sorted(findings, key=lambda finding: (-finding.at_least, -abs(finding.score))))
    score = round(sum(finding.score for finding in ordered), 2)
    action = max([thresholds.action(score), *(finding.at_least for finding in ordered)])
    return Verdict(action, score, ordered)


def strictest(verdicts: Sequence[Verdict]) -> Action:
    """Of several; DELIVER without any."""
    return max((verdict.action for verdict in verdicts), default=Action.DELIVER)
