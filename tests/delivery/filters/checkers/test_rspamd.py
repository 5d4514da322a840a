"""Rspamd as a stand-in: what it says, and what follows."""

import json
from dataclasses import replace

import pytest
from pytest_django import Settings

from delivery.filters.checkers.rspamd import opinion_of
from delivery.findings import Action, Finding
from mailhost.protocols.rspamd import RspamdAnswer, Symbol
from mailhost.protocols.smtp.replies import Reply
from tests.delivery.filters.checkers.looking import CASE, look, results, rspamd
from tests.support import checker_standins
from tests.support.checker_standins import (
    silent,
)


def test_rspamd_is_told_how_the_message_came() -> None:
    answer = json.dumps({"action": "no action", "score": -0.1}).encode()
    opinion, server = look(rspamd, checker_standins.rspamd(answer))
    [asked] = server.asked
    head, _, content = asked.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /checkv2 HTTP/1.1"
    lines = {line.lower() for line in head.split(b"\r\n")}
    assert {b"ip: 192.0.2.1", b"helo: mx.far.test", b"from: ann@far.test", b"queue-id: abc123"} <= lines
    assert {b"rcpt: bob@here.test", b"rcpt: eve@here.test"} <= lines
    assert content == CASE.octets
    assert opinion.findings == (
        Finding("rspamd", "no action", "Rspamd says “no action” at a score of -0.1.", -0.08),
    )


ADDED = RspamdAnswer(
    "add header",
    7.2,
    15.0,
    (
        Symbol("BAYES_SPAM", 5.1, "Reads like junk."),
        Symbol("R_SPF_ALLOW", -0.2),
        Symbol("ZERO", 0.0),
        Symbol("X", 2.3),
    ),
    {"add header": 6.0, "reject": 15.0},
)


def test_its_threshold_for_junk_becomes_ours(settings: Settings) -> None:
    settings.JUNK_SCORE = 10
    [finding] = opinion_of(ADDED).findings
    assert finding.score == 12.0
    assert finding.at_least is Action.DELIVER
    assert finding.text == (
        "Rspamd says “add header” at a score of 7.2 of 15: Reads like junk, BAYES_SPAM (5.1); X (2.3)."
    )


def test_junk_by_a_rule_of_its_operator_is_junk_whatever_the_score(settings: Settings) -> None:
    settings.JUNK_SCORE = 7
    for action in ("add header", "rewrite subject"):
        [finding] = opinion_of(replace(ADDED, action=action, score=0.0)).findings
        assert finding.score == 7.0


def test_a_version_that_tells_only_when_it_rejects_is_scaled_by_that(settings: Settings) -> None:
    """Before 3.5. By default its thresholds are 6 and 15."""
    settings.JUNK_SCORE = 5
    for required, points in ((15.0, 6.0), (30.0, 3.0), (0.0, 6.0)):
        answer = RspamdAnswer("no action", 7.2, required)
        assert opinion_of(answer).findings[0].score == points


@pytest.mark.parametrize(("score", "points"), [(10_000.0, 20.0), (-10_000.0, -5.0)])
def test_its_points_have_an_end(score: float, points: float) -> None:
    assert opinion_of(replace(ADDED, action="no action", score=score)).findings[0].score == points


@pytest.mark.parametrize(
    ("action", "message", "at_least", "reply", "deferral"),
    [
        ("no action", "", Action.DELIVER, "", None),
        ("greylist", "", Action.DELIVER, "", None),
        ("a new one", "", Action.DELIVER, "", None),
        ("quarantine", "", Action.QUARANTINE, "", None),
        ("discard", "", Action.QUARANTINE, "", None),
        ("reject", "", Action.REFUSE, "550 5.7.1 Not accepted: the message looks like junk mail", None),
        ("reject", "No gamblers", Action.REFUSE, "550 5.7.1 No gamblers", None),
        ("soft reject", "", Action.DELIVER, "", Reply(451, "4.7.1", "Not now, try again later")),
        ("soft reject", "Slow down", Action.DELIVER, "", Reply(451, "4.7.1", "Slow down")),
    ],
)
def test_what_follows_from_its_actions(
    action: str, message: str, at_least: Action, reply: str, deferral: Reply | None
) -> None:
    opinion = opinion_of(replace(ADDED, action=action, message=message))
    [finding] = opinion.findings
    assert (finding.result, finding.at_least, finding.reply, opinion.deferral) == (
        action,
        at_least,
        reply,
        deferral,
    )


def test_rspamd_that_answers_an_error_is_away(settings: Settings) -> None:
    opinion, _ = look(rspamd, checker_standins.rspamd(b"{}", status=b"503 Busy"))
    assert opinion.findings[0].text == "Rspamd was not heard: It answers with status 503."
    settings.RSPAMD_MAX_MESSAGE_OCTETS = 10
    opinion, server = look(rspamd, silent)
    assert results(opinion) == [("rspamd", "too-large")]
    assert (opinion.deferral, server.connections) == (None, 0)
