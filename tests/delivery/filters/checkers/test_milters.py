"""Milters as stand-ins: what they hear, what they say, and what follows."""

import asyncio
from dataclasses import replace

import pytest

from delivery.filters.checkers.case import WhenAway
from delivery.filters.checkers.checking import (
    Checkers,
)
from delivery.filters.checkers.milter import Milter, MilterPlace
from delivery.findings import Action, Finding
from mailhost.protocols.milter.answers import FieldAdded
from tests.delivery.filters.checkers.looking import CASE, look, milter, results
from tests.support import checker_standins
from tests.support.checker_standins import (
    packet,
    standing_in,
)


def test_a_milter_hears_the_session_in_its_order() -> None:
    opinion, server = look(milter, checker_standins.milter())
    heard = [line.partition(b"\0")[0] for line in server.asked[0].split(b"\n")]
    letters = [line[:1] for line in heard if line[:1] != b"D" and line]
    assert letters == [b"C", b"H", b"M", b"R", b"R", b"T", b"L", b"L", b"N", b"B", b"E", b"Q"]
    assert b"Cj\0mx.here.test\0" in server.asked[0]
    assert b"Mi\0abc123\0" in server.asked[0]
    assert b"R<eve@here.test>\0" in server.asked[0]
    assert b"LSubject\0Hello\0" in server.asked[0]
    assert b"BHow are you?\r\n" in server.asked[0]
    assert opinion.findings == (Finding("milter", "accept", "The filter lint takes it."),)


def test_a_milter_hears_only_what_it_wants_and_answers_only_what_it_agreed_to() -> None:
    """Nothing but fields, unanswered, and the end."""
    steps = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80 | 0x200
    answers = {b"L": b"", b"E": packet(b"a")}
    opinion, server = look(milter, checker_standins.milter(answers, steps=steps))
    assert [line[:1] for line in server.asked[0].split(b"\n") if line] == [b"L", b"L", b"D", b"E", b"Q"]
    assert results(opinion) == [("milter", "accept")]


@pytest.mark.parametrize("stage", [b"C", b"H", b"M", b"T", b"L", b"N", b"B", b"E"])
@pytest.mark.parametrize(
    ("answer", "result", "reply"),
    [
        (packet(b"r"), "reject", "550 5.7.1 Not accepted by a filter of this host"),
        (packet(b"y", b"554 5.7.9 Go away\0"), "reject", "554 5.7.9 Go away"),
        (packet(b"t"), "tempfail", "451 4.7.1 A filter of this host cannot take it now, try again later"),
        (packet(b"y", b"450 4.2.0 Later\0"), "tempfail", "450 4.2.0 Later"),
        (packet(b"p") + packet(b"p") + packet(b"4"), "tempfail", "451 4.7.1 A filter …"),
        (packet(b"d"), "quarantine", ""),
        (packet(b"a"), "accept", ""),
    ],
)
def test_what_it_says_at_any_point_decides(stage: bytes, answer: bytes, result: str, reply: str) -> None:
    opinion, server = look(milter, checker_standins.milter({stage: answer}))
    [finding] = opinion.findings
    assert finding.result == result
    told = finding.reply or str(opinion.deferral or "")
    assert told == reply or (reply.endswith("…") and told.startswith(reply[:-1]))
    assert finding.at_least is {"reject": Action.REFUSE, "quarantine": Action.QUARANTINE}.get(
        result, Action.DELIVER
    )
    assert server.asked[0].endswith(b"Q\n")


def test_one_recipient_is_refused_by_itself() -> None:
    refusal = packet(b"y", b"550 5.1.1 Not her\0")
    opinion, _ = look(milter, checker_standins.milter({b"R<eve@": refusal}))
    assert results(opinion) == [("milter", "accept")]
    [(path, finding)] = opinion.refused.items()
    assert path == "eve@here.test"
    assert finding.text == "The filter lint refuses it for eve@here.test: Not her."
    assert finding.reply == "550 5.1.1 Not her"
    both, server = look(milter, checker_standins.milter({b"R": refusal}))
    assert results(both) == [("milter", "reject")]
    assert b"\nT\n" not in server.asked[0]


def test_one_recipient_who_is_to_come_later_defers_all() -> None:
    opinion, _ = look(milter, checker_standins.milter({b"R<eve@": packet(b"t")}))
    assert results(opinion) == [("milter", "tempfail")]


def test_changes_and_quarantine_are_asked_for_at_the_end() -> None:
    wishes = packet(b"h", b"X-A\x001\x00") + packet(b"p") + packet(b"q", b"odd\0") + packet(b"a")
    opinion, _ = look(milter, checker_standins.milter({b"E": wishes}))
    assert opinion.changes == (FieldAdded(b"X-A", b"1"),)
    assert opinion.findings[0].text == "The filter lint holds it: odd."
    refused, _ = look(milter, checker_standins.milter({b"E": wishes[:-5] + packet(b"r")}))
    assert refused.changes == ()


@pytest.mark.parametrize(
    "answers",
    [
        {b"M": packet(b"h", b"X\0y\0")},
        {b"E": packet(b"b", b"another body")},
        {b"E": packet(b"m", b"\0\0\0\1X\0y\0")},
        {b"H": packet(b"s")},
    ],
)
def test_a_milter_that_does_what_was_not_agreed_on_is_away(answers: dict[bytes, bytes]) -> None:
    only_adding = (6).to_bytes(4, "big") + (1).to_bytes(4, "big")
    opinion, _ = look(milter, checker_standins.milter(answers, agreed=only_adding))
    assert results(opinion) == [("milter", "away")]


def test_the_rest_of_a_text_is_left_out_where_it_has_seen_enough() -> None:
    case = replace(CASE, octets=CASE.octets + b"x" * 500_000)
    opinion, server = look(milter, checker_standins.milter({b"B": packet(b"s")}), case)
    assert results(opinion) == [("milter", "accept")]
    assert len(server.asked[0]) < 100_000


def test_each_milter_sees_what_those_before_it_changed_and_none_is_asked_after_a_refusal() -> None:
    async def scenario() -> None:
        adds = packet(b"i", b"\0\0\0\0X-A\x001\x00") + packet(b"c")
        async with (
            standing_in(checker_standins.milter({b"E": adds})) as one,
            standing_in(checker_standins.milter({b"E": packet(b"r")})) as two,
            standing_in(checker_standins.milter()) as three,
        ):
            milters = [
                Milter(MilterPlace("m", each.endpoint), when_away=WhenAway.DEFER, at_once=1)
                for each in (one, two, three)
            ]
            opinion = await Checkers(milters=milters).look(CASE)
            assert results(opinion) == [("milter", "accept"), ("milter", "reject")]
            await two.rest()
            assert b"\nLX-A\x001\0\nLFrom" in two.asked[0]
            assert three.connections == 0

    asyncio.run(scenario())
