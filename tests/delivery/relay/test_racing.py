"""Several addresses of one host, of which some never answer."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from delivery.relay.next_hops import NextHop, Route, find_next_hops
from delivery.relay.racing import first_connected
from delivery.relay.wire import Wire, WireLost
from tests.support.dns_server import dns_server
from tests.support.running import run

SIX = NextHop("mx.far.test", "2001:db8::1", 25)
FOUR = NextHop("mx.far.test", "192.0.2.1", 25)


class Net:
    """Addresses that answer at once, refuse at once, or never say anything; time passes when the test says so."""

    def __init__(self, *, silent: Sequence[NextHop] = (), refusing: Sequence[NextHop] = ()) -> None:
        self.silent, self.refusing = silent, refusing
        self.tried: list[NextHop] = []
        self.let_go: list[NextHop] = []
        self.pauses: list[float] = []
        self.passes = asyncio.Event()

    async def connect(self, hop: NextHop) -> Wire:
        self.tried.append(hop)
        if hop in self.refusing:
            raise WireLost("It refused.")
        if hop in self.silent:
            try:
                await asyncio.Event().wait()
            finally:
                self.let_go.append(hop)
        return Wire()

    def drop(self, hop: NextHop, wire: Wire) -> None:
        self.let_go.append(hop)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.passes.wait()


def test_the_next_address_is_tried_while_the_first_still_connects() -> None:
    async def scenario() -> None:
        net = Net(silent=[SIX])
        failures: dict[NextHop, WireLost] = {}
        race = asyncio.create_task(
            first_connected(
                [SIX, FOUR], connect=net.connect, failures=failures, let_go=net.drop, pause=net.pause
            )
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert net.tried == [SIX]  # not before its head start is over
        net.passes.set()
        found = await race
        assert found is not None
        assert found[0] == FOUR
        assert (net.pauses, net.let_go, failures) == ([0.25], [SIX], {})

    run(scenario())


def test_who_answers_within_the_head_start_is_the_only_one_asked() -> None:
    async def scenario() -> None:
        net = Net()
        found = await first_connected(
            [SIX, FOUR], connect=net.connect, failures={}, let_go=net.drop, pause=net.pause
        )
        assert found is not None
        assert (found[0], net.tried) == (SIX, [SIX])

    run(scenario())


def test_after_a_refusal_nobody_waits() -> None:
    async def scenario() -> None:
        net = Net(refusing=[SIX])
        failures: dict[NextHop, WireLost] = {}
        found = await first_connected(
            [SIX, FOUR], connect=net.connect, failures=failures, let_go=net.drop, pause=net.pause
        )
        assert found is not None
        assert (found[0], list(failures)) == (FOUR, [SIX])

    run(scenario())


def test_where_nobody_answers_each_failure_is_told() -> None:
    async def scenario() -> None:
        net = Net(refusing=[SIX, FOUR])
        failures: dict[NextHop, WireLost] = {}
        found = await first_connected(
            [SIX, FOUR], connect=net.connect, failures=failures, let_go=net.drop, pause=net.pause
        )
        assert found is None
        assert list(failures) == [SIX, FOUR]

    run(scenario())


def test_a_race_that_is_given_up_lets_everybody_go() -> None:
    async def scenario() -> None:
        net = Net(silent=[SIX, FOUR])
        net.passes.set()
        race = asyncio.create_task(
            first_connected([SIX, FOUR], connect=net.connect, failures={}, let_go=net.drop, pause=net.pause)
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert net.tried == [SIX, FOUR]
        race.cancel()
        with pytest.raises(asyncio.CancelledError):
            await race
        assert sorted(net.let_go, key=str) == sorted([SIX, FOUR], key=str)

    run(scenario())


def test_families_take_turns_and_worse_mx_hosts_have_a_rank_of_their_own() -> None:
    async def nobody(hosts: Sequence[str]) -> set[str]:
        return set()

    async def scenario() -> None:
        async with dns_server() as dns:
            dns.say("far.test", "MX", "20 backup.far.test.", "10 a.far.test.")
            dns.say("a.far.test", "AAAA", "2001:db8::1", "2001:db8::2")
            dns.say("a.far.test", "A", "192.0.2.1")
            dns.say("backup.far.test", "A", "192.0.2.3")
            hops = await find_next_hops(
                "far.test",
                resolver=dns.resolver(),
                route=Route(to_private=True),
                random=Random(1),
                which_are_ours=nobody,
            )
            assert isinstance(hops, list)
            assert [(hop.rank, ":" in hop.address) for hop in hops] == [
                (0, True),
                (0, False),
                (0, True),
                (1, False),
            ]

    run(scenario())
