"""How many connections a destination gets, and how many a host."""

import asyncio

import pytest

from delivery.relay.host_room import HostRoom
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from delivery.relay.pace import DELIVERIES_TO_GROW, Pace
from tests.support.running import run

TAKEN = Delivered("250 ok")


def test_it_grows_with_what_is_taken_up_to_the_most() -> None:
    pace = Pace(2, 4)
    sizes = []
    for _ in range(20 * DELIVERIES_TO_GROW):
        pace.note([TAKEN])
        sizes.append(pace.connections)
    assert sizes[2 * DELIVERIES_TO_GROW - 2 : 2 * DELIVERIES_TO_GROW] == [2, 3]
    assert (sizes[-1], max(sizes)) == (4, 4)


@pytest.mark.parametrize(
    ("outcome", "connections"),
    [
        (Deferred("4.3.2", "421 4.3.2 closing"), 4),
        (Deferred("4.7.0", "451 4.7.0 slow down"), 4),
        (Deferred("4.2.2", "452 4.2.2 full"), 8),
        (Bounced("5.7.1", "550 5.7.1 no"), 8),
    ],
)
def test_only_an_objection_halves_it(outcome: Outcome, connections: int) -> None:
    pace = Pace(8, 10)
    pace.note([outcome])
    assert pace.connections == connections


def test_one_objection_heard_on_all_connections_counts_once_and_one_is_left() -> None:
    pace = Pace(4, 10)
    for _ in range(4):
        pace.object()
    assert pace.connections == 2
    for _ in range(20):
        pace.object()
    assert pace.connections == 1


def test_a_host_has_room_for_so_many_and_who_waits_gets_the_next() -> None:
    async def scenario() -> None:
        room = HostRoom(2)
        assert [room.take("192.0.2.1") for _ in range(3)] == [True, True, False]
        assert room.take("192.0.2.2")
        assert not await room.wait(["192.0.2.1"], seconds=0)
        waiting = asyncio.create_task(room.wait(["192.0.2.1"], seconds=10))
        await asyncio.sleep(0)
        room.give_back("192.0.2.1")
        assert await waiting
        assert room.take("192.0.2.1")

    run(scenario())
