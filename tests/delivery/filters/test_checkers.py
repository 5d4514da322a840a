"""Rspamd, clamd and milters as stand-ins: what they say, and what follows; what follows where they misbehave."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from delivery.filters.checkers.asking import ask_checkers
from delivery.filters.checkers.case import Case, Opinion, WhenAway
from delivery.filters.checkers.checking import (
    Checkers,
    CheckerSettingInvalid,
    configured_checkers,
    parse_milters,
)
from delivery.filters.checkers.clamd import Clamd
from delivery.filters.checkers.milter import Milter, MilterPlace
from delivery.filters.checkers.recipients import Leads, refusing_accounts
from delivery.filters.checkers.rspamd import Place, Rspamd, opinion_of, parse_url
from delivery.filters.examination import examine
from delivery.findings import Action, Finding
from mailhost.net.endpoints import Endpoint, EndpointInvalid
from mailhost.protocols.milter.answers import FieldAdded
from mailhost.protocols.rspamd import RspamdAnswer, Symbol
from mailhost.protocols.smtp.replies import Reply
from tests.delivery.filters.letters import letter
from tests.support import checker_standins
from tests.support.checker_standins import (
    Serve,
    StandIn,
    deaf,
    endless,
    hanging_up,
    packet,
    saying,
    silent,
    standing_in,
)
from tests.support.dns_server import dns_server

CASE = Case(
    octets=b"From: ann@far.test\r\nSubject: Hello\r\n\r\nHow are you?\r\n",
    peer="192.0.2.1",
    helo="mx.far.test",
    reverse_path="ann@far.test",
    forward_paths=("bob@here.test", "eve@here.test"),
    trace_id="abc123",
    host_name="mx.here.test",
)
LATER = Reply(451, "4.3.0", "A check of this host is away, try again later")
Make = Callable[[Endpoint, WhenAway], Checkers]


def clamd(endpoint: Endpoint, when_away: WhenAway = WhenAway.DEFER) -> Checkers:
    return Checkers(clamd=Clamd(endpoint, when_away=when_away, at_once=2))


def rspamd(endpoint: Endpoint, when_away: WhenAway = WhenAway.DEFER) -> Checkers:
    return Checkers(rspamd=Rspamd(Place(endpoint, "localhost"), when_away=when_away, at_once=2))


def milter(endpoint: Endpoint, when_away: WhenAway = WhenAway.DEFER) -> Checkers:
    return Checkers(milters=[Milter(MilterPlace("lint", endpoint), when_away=when_away, at_once=2)])


def look(
    make: Make, serve: Serve, case: Case = CASE, *, when_away: WhenAway = WhenAway.DEFER
) -> tuple[Opinion, StandIn]:
    async def scenario() -> tuple[Opinion, StandIn]:
        async with standing_in(serve) as server:
            opinion = await make(server.endpoint, when_away).look(case)
            if serve is not deaf:
                await server.rest()
            return opinion, server

    return asyncio.run(asyncio.wait_for(scenario(), 30))


def results(opinion: Opinion) -> list[tuple[str, str]]:
    return [(finding.check, finding.result) for finding in opinion.findings]


# --- Whoever misbehaves is away ------------------------------------------------------------------------------------

BAD = {
    "says nothing": silent,
    "takes nothing": deaf,
    "hangs up": hanging_up,
    "raves": saying(b"+OK what?\r\n\0\r\n\r\n\0\0\0"),
    "announces four gigabytes": saying(b"\xff\xff\xff\xffO" + b"\0" * 100),
    "does not stop": endless(b"stream: " * 100),
    "does not stop an answer of HTTP": endless(b"x" * 1000, start=b"HTTP/1.1 200 OK\r\n\r\n"),
    "answers HTTP with brackets": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"[" * 50_000),
    "does not stop to be at work": endless(
        packet(b"p") * 100, start=packet(b"O", checker_standins.AGREED + b"\0" * 4)
    ),
    "changes without end": endless(
        packet(b"h", b"X\0y\0") * 100, start=packet(b"O", checker_standins.AGREED + b"\0\0\x00\x7f")
    ),
}


@pytest.mark.parametrize("make", [clamd, rspamd, milter])
@pytest.mark.parametrize("name", list(BAD))
def test_who_misbehaves_is_away_and_costs_no_more_than_its_time(
    settings: Settings, make: Make, name: str
) -> None:
    settings.CHECKER_SECONDS, settings.CHECKER_LONGEST_SECONDS = 0.3, 0.6
    case = replace(CASE, octets=CASE.octets + b"x" * 3_000_000)
    opinion, _ = look(make, BAD[name], case)
    assert [result for _, result in results(opinion)] == ["away"]
    assert opinion.deferral == LATER
    assert re.search(r"was not heard: (It|Its|A) .*\.$", opinion.findings[0].text)


@pytest.mark.parametrize("make", [clamd, rspamd, milter])
def test_who_is_not_there_is_done_without_where_that_is_set(make: Make, tmp_path: Path) -> None:
    opinion = asyncio.run(make(Endpoint(path=str(tmp_path / "none")), WhenAway.ACCEPT).look(CASE))
    assert [(f.result, f.at_least, f.score) for f in opinion.findings] == [("away", Action.DELIVER, 0.0)]
    assert opinion.findings[0].text.endswith(
        " was not heard: It cannot be reached: No such file or directory."
    )
    assert opinion.deferral is None


def test_no_more_connections_than_allowed_are_made_at_once() -> None:
    async def scenario() -> StandIn:
        async with standing_in(checker_standins.clamd(b"stream: OK\0")) as server:
            checkers = clamd(server.endpoint)
            opinions = await asyncio.gather(*(checkers.look(CASE) for _ in range(10)))
            assert {tuple(results(each)) for each in opinions} == {(("clamd", "clean"),)}
            return server

    server = asyncio.run(scenario())
    assert server.connections == 10
    assert server.most_open <= 2


def test_all_are_asked_beside_each_other() -> None:
    """Each answers only once the others were asked too."""

    async def scenario() -> list[tuple[str, str]]:
        barrier = asyncio.Barrier(3)

        def together(serve: Serve) -> Serve:
            async def wait(
                standing: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await barrier.wait()
                await serve(standing, reader, writer)

            return wait

        answer = json.dumps({"action": "no action", "score": 0.0}).encode()
        async with (
            standing_in(together(checker_standins.clamd(b"stream: OK\0"))) as one,
            standing_in(together(checker_standins.rspamd(answer))) as two,
            standing_in(together(checker_standins.milter())) as three,
        ):
            checkers = Checkers(
                clamd=Clamd(one.endpoint, when_away=WhenAway.DEFER, at_once=1),
                rspamd=Rspamd(Place(two.endpoint, "x"), when_away=WhenAway.DEFER, at_once=1),
                milters=[Milter(MilterPlace("m", three.endpoint), when_away=WhenAway.DEFER, at_once=1)],
            )
            return results(await checkers.look(CASE))

    assert asyncio.run(scenario()) == [("clamd", "clean"), ("rspamd", "no action"), ("milter", "accept")]


# --- clamd -----------------------------------------------------------------------------------------------------------


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


# --- Rspamd ----------------------------------------------------------------------------------------------------------


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


# --- milters ---------------------------------------------------------------------------------------------------------


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


# --- messages that come in ------------------------------------------------------------------------------------------


def test_a_header_that_is_refused_in_any_case_is_told_to_nobody(settings: Settings) -> None:
    settings.SMTP_MAX_HEADER_FIELDS = 6

    async def scenario(*fields: str) -> int:
        async with standing_in(checker_standins.milter()) as server:
            opinion = await ask_checkers(
                letter(*fields), milter(server.endpoint), host_name="mx.here.test", look_ups=None
            )
            assert bool(opinion.findings) == bool(server.connections)
            return server.connections

    assert asyncio.run(scenario("X: 1", "X: 2")) == 1
    assert asyncio.run(scenario("X: 1", "X: 2", "X: 3")) == 0
    settings.SMTP_MAX_HEADER_OCTETS = 100
    assert asyncio.run(scenario()) == 0


@pytest.mark.parametrize("is_trusted", [False, True])
def test_the_name_of_a_client_is_told_where_it_leads_back(is_trusted: bool) -> None:
    async def scenario() -> bytes:
        async with dns_server() as dns, standing_in(checker_standins.milter()) as server:
            dns.say("1.2.0.192.in-addr.arpa", "PTR", "mx.far.test.")
            dns.say("mx.far.test", "A", "192.0.2.1")
            examination = await examine(
                letter(),
                account_ids=(),
                is_trusted=is_trusted,
                asks_accounts=False,
                resolver=dns.resolver(),
                host_name="mx.here.test",
                now=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
                checkers=milter(server.endpoint),
            )
            assert bool(examination.results_field) is not is_trusted
            assert sum("PTR" in str(question) for question in dns.asked) <= 1
            await server.rest()
            return server.asked[0]

    assert b"\nCmx.far.test\x004\0\x00192.0.2.1\0" in asyncio.run(scenario())


# --- recipients and settings -----------------------------------------------------------------------------------------


def test_an_account_that_another_address_leads_to_is_not_refused() -> None:
    no = Finding("milter", "reject", "No.", at_least=Action.REFUSE)
    leads = {"a@x.test": Leads((1, 2)), "b@x.test": Leads((2,)), "c@x.test": Leads((3,), is_elsewhere=True)}
    assert refusing_accounts({"a@x.test": no}, leads) == ((), {1: no})
    assert refusing_accounts({"c@x.test": no}, leads) == ((no,), {3: no})


def test_none_is_asked_unless_it_is_set(settings: Settings) -> None:
    assert not configured_checkers()
    settings.MILTERS = ("dkim=unix:/run/opendkim.sock", "127.0.0.1:8891")
    assert configured_checkers()
    assert parse_milters(settings.MILTERS) == [
        MilterPlace("dkim", Endpoint(path="/run/opendkim.sock")),
        MilterPlace("127.0.0.1:8891", Endpoint("127.0.0.1", 8891)),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RSPAMD", "rspamd"), ("RSPAMD", "http://h:1/x"), ("RSPAMD", "http://h:99999"), ("CLAMD", "clamd"),
        ("MILTERS", ("x=",)), ("MILTERS_AWAY", "reject"), ("CLAMD_AWAY", ""), ("RSPAMD_AWAY", "Accept"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_told(settings: Settings, name: str, value: object) -> None:
    settings.RSPAMD, settings.CLAMD = "http://localhost", "localhost:3310"
    configured_checkers()
    setattr(settings, name, value)
    with pytest.raises(CheckerSettingInvalid):
        configured_checkers()


def test_urls_of_rspamd() -> None:
    assert parse_url("http://rspamd") == Place(Endpoint("rspamd", 11333), "rspamd:11333")
    assert parse_url("unix:/run/rspamd.sock").endpoint == Endpoint(path="/run/rspamd.sock")
    assert parse_url("https://[::1]:8443/").tls is not None
    with pytest.raises(EndpointInvalid):
        parse_url("http://[::1")
