"""Room for messages on their way in, shared by the sessions of a process."""

import asyncio

import pytest

from mailboxes.imap.message_budget import Held, MessageBudget


def test_who_comes_first_is_served_first_and_all_is_given_back() -> None:
    async def scenario() -> list[str]:
        budget = MessageBudget(100)
        served: list[str] = []

        async def come(name: str, octets: int, account_id: int) -> None:
            assert await budget.take(octets, account_id=account_id, timeout=10)
            served.append(name)

        await come("first", 80, 1)
        waiting = [asyncio.create_task(come("large", 60, 2)), asyncio.create_task(come("small", 10, 3))]
        await asyncio.sleep(0)
        assert served == ["first"]  # also not the small one, or large ones would never have their turn
        budget.give_back(80, account_id=1)
        await asyncio.gather(*waiting)
        budget.give_back(60, account_id=2)
        budget.give_back(10, account_id=3)
        assert await budget.take(100, account_id=1, timeout=10)
        return served

    assert asyncio.run(scenario()) == ["first", "large", "small"]


def test_who_waits_for_too_long_is_refused_and_blocks_nobody() -> None:
    async def scenario() -> None:
        budget = MessageBudget(100)
        assert not await budget.take(101, account_id=1, timeout=10)
        assert await budget.take(80, account_id=1, timeout=10)
        large = asyncio.create_task(budget.take(60, account_id=2, timeout=0.01))
        await asyncio.sleep(0)
        small = asyncio.create_task(budget.take(20, account_id=3, timeout=10))
        assert not await large
        assert await small
        budget.give_back(80, account_id=1)
        budget.give_back(20, account_id=3)
        assert await budget.take(100, account_id=2, timeout=10)

    asyncio.run(scenario())


@pytest.mark.parametrize("was_served", [True, False])
def test_a_session_that_ends_while_it_waits_takes_nothing(was_served: bool) -> None:
    async def scenario() -> None:
        budget = MessageBudget(100)
        assert await budget.take(100, account_id=1, timeout=10)
        waiting = asyncio.create_task(budget.take(50, account_id=2, timeout=10))
        await asyncio.sleep(0)
        if was_served:
            budget.give_back(100, account_id=1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        if not was_served:
            budget.give_back(100, account_id=1)
        assert await budget.take(100, account_id=2, timeout=0.01)

    asyncio.run(scenario())


def test_a_session_gives_back_what_it_took_once() -> None:
    async def scenario() -> None:
        budget = MessageBudget(100)
        held = Held(budget)
        assert await held.take(30, account_id=1, timeout=10)
        assert await held.take(70, account_id=1, timeout=10)
        assert not await held.take(1, account_id=1, timeout=0.01)
        held.give_back()
        held.give_back()
        assert await budget.take(100, account_id=1, timeout=0.01)
        assert not await budget.take(1, account_id=1, timeout=0.01)

    asyncio.run(scenario())


def test_an_account_has_a_share_and_nobody_waits_for_its_messages() -> None:
    async def scenario() -> None:
        budget = MessageBudget(100, share=50)
        assert not await budget.take(51, account_id=1, timeout=10)
        assert await budget.take(30, account_id=1, timeout=10)
        own = asyncio.create_task(budget.take(30, account_id=1, timeout=10))
        await asyncio.sleep(0)
        assert await budget.take(50, account_id=2, timeout=10)
        assert not own.done()
        budget.give_back(30, account_id=1)
        assert await own
        assert not await budget.take(21, account_id=3, timeout=0.01)
        assert await budget.take(20, account_id=3, timeout=0.01)

    asyncio.run(scenario())
