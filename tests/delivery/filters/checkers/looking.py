"""One message, and how a test has a stand-in look at it."""

import asyncio
from collections.abc import Callable

from delivery.filters.checkers.case import Case, Opinion, WhenAway
from delivery.filters.checkers.checking import (
    Checkers,
)
from delivery.filters.checkers.clamd import Clamd
from delivery.filters.checkers.milter import Milter, MilterPlace
from delivery.filters.checkers.rspamd import Place, Rspamd
from mailhost.net.endpoints import Endpoint
from mailhost.protocols.smtp.replies import Reply
from tests.support.checker_standins import (
    Serve,
    StandIn,
    deaf,
    standing_in,
)

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
