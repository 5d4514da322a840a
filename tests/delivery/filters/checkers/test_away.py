"""Whoever misbehaves is away; all are asked beside each other."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from delivery.filters.checkers.case import WhenAway
from delivery.filters.checkers.checking import (
    Checkers,
)
from delivery.filters.checkers.clamd import Clamd
from delivery.filters.checkers.milter import Milter, MilterPlace
from delivery.filters.checkers.rspamd import Place, Rspamd
from delivery.findings import Action
from mailhost.net.endpoints import Endpoint
from tests.delivery.filters.checkers.looking import CASE, LATER, Make, clamd, look, milter, results, rspamd
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
