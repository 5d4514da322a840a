"""clamd as a stand-in: what it says, and what follows."""

from dataclasses import replace

import pytest
from pytest_django import Settings

from delivery.filters.checkers.case import WhenAway
from delivery.findings import Action
from tests.delivery.filters.checkers.looking import CASE, LATER, clamd, look, results
from tests.support import checker_standins
from tests.support.checker_standins import (
    silent,
)


def test_a_virus_is_refused_by_its_name() -> None:
    opinion, server = look(clamd, checker_standins.clamd(b"stream: Eicar-Signature FOUND\0"))
    [finding] = opinion.findings
    assert finding.text == "It carries a virus: Eicar-Signature."
    assert finding.at_least is Action.REFUSE
    assert finding.reply == "554 5.7.1 Not accepted: the message carries a virus (Eicar-Signature)"
    assert server.asked == [CASE.octets]


def test_clamd_that_could_not_look_is_as_good_as_away() -> None:
    opinion, _ = look(clamd, checker_standins.clamd(b"stream: Can't allocate memory ERROR\0"))
    assert (
        opinion.findings[0].text
        == "The virus scanner was not heard: It could not look: Can't allocate memory."
    )
    assert opinion.deferral == LATER


@pytest.mark.parametrize(
    ("when_away", "action", "reply"),
    [
        (WhenAway.ACCEPT, Action.DELIVER, ""),
        (WhenAway.DEFER, Action.REFUSE, "552 5.3.4 The message is too large"),
    ],
)
def test_what_is_too_large_for_clamd_is_never_deferred_for_ever(
    settings: Settings, when_away: WhenAway, action: Action, reply: str
) -> None:
    case = replace(CASE, octets=b"x" * 5_000_000)
    too_large, _ = look(clamd, checker_standins.clamd(b"", max_octets=200_000), case, when_away=when_away)
    settings.CLAMD_MAX_MESSAGE_OCTETS = 1_000
    unasked, server = look(clamd, silent, case, when_away=when_away)
    assert server.connections == 0
    assert too_large == unasked
    assert too_large.deferral is None
    assert results(too_large) == [("clamd", "too-large")]
    assert too_large.findings[0].at_least is action
    assert too_large.findings[0].reply.startswith(reply)
