"""Questions put together: nobody waits for a timer, nobody's failure is another's, nobody is forgotten."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from django.db import DataError

from mailhost.net.batcher import Batcher
from mailhost.net.store_threads import StoreThreads, StoreUnavailable


class Clerk:
    """Answers with the square; the first batch waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()

    def answer(self, questions: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(questions))
        if len(self.batches) == 1:
            self.has_begun.set()
            assert self.may_go_on.wait(10)
        if 13 in questions:
            raise DataError("a bad row")
        if 99 in questions:
            raise ZeroDivisionError
        return [LookupError() if number < 0 else number**2 for number in questions]


def with_clerk(
    work: Callable[[Batcher[int, int], Clerk], Coroutine[Any, Any, None]], *, max_weight: int = 1_000
) -> Clerk:
    clerk = Clerk()

    async def run() -> None:
        threads = StoreThreads(1, "clerk")

        async def answer(questions: Sequence[int]) -> list[int | Exception]:
            return await threads.run(clerk.answer, questions)

        batcher: Batcher[int, int] = Batcher(
            answer, max_weight=max_weight, weigh=lambda number: max(number, 1)
        )
        try:
            await work(batcher, clerk)
        finally:
            clerk.may_go_on.set()
            await batcher.close()
            threads.close()

    asyncio.run(run())
    return clerk


async def ask_behind_one(
    batcher: Batcher[int, int], clerk: Clerk, *numbers: int
) -> list["asyncio.Task[int]"]:
    """One question is being answered; these come in meanwhile."""
    tasks = [asyncio.create_task(batcher.ask(1))]
    await asyncio.to_thread(clerk.has_begun.wait, 10)
    tasks += [asyncio.create_task(batcher.ask(number)) for number in numbers]
    await asyncio.sleep(0)  # each gets as far as its question
    return tasks


def test_what_comes_in_meanwhile_is_asked_together() -> None:
    async def work(batcher: Batcher[int, int], clerk: Clerk) -> None:
        tasks = await ask_behind_one(batcher, clerk, 2, 3, 4)
        clerk.may_go_on.set()
        assert await asyncio.gather(*tasks) == [1, 4, 9, 16]

    assert with_clerk(work).batches == [[1], [2, 3, 4]]


def test_a_batch_has_a_bound_and_what_is_heavier_goes_alone() -> None:
    async def work(batcher: Batcher[int, int], clerk: Clerk) -> None:
        tasks = await ask_behind_one(batcher, clerk, 4, 5, 6, 50, 1)
        clerk.may_go_on.set()
        await asyncio.gather(*tasks)

    assert with_clerk(work, max_weight=10).batches == [[1], [4, 5], [6], [50], [1]]


def test_a_bad_row_fails_alone() -> None:
    async def work(batcher: Batcher[int, int], clerk: Clerk) -> None:
        tasks = await ask_behind_one(batcher, clerk, 2, 13, -1, 3)
        clerk.may_go_on.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in answers] == [int, int, DataError, LookupError, int]

    assert with_clerk(work).batches == [[1], [2, 13, -1, 3], [2], [13], [-1], [3]]


def test_any_failure_is_told_to_everyone_and_the_next_ones_are_answered() -> None:
    async def work(batcher: Batcher[int, int], clerk: Clerk) -> None:
        tasks = await ask_behind_one(batcher, clerk, 2, 99)
        clerk.may_go_on.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in answers] == [int, ZeroDivisionError, ZeroDivisionError]
        assert await batcher.ask(5) == 25

    with_clerk(work)


def test_a_question_whose_session_went_is_not_asked() -> None:
    async def work(batcher: Batcher[int, int], clerk: Clerk) -> None:
        first, second, third = await ask_behind_one(batcher, clerk, 2, 3)
        second.cancel()
        await asyncio.sleep(0)
        clerk.may_go_on.set()
        assert [await first, await third] == [1, 9]
        fourth = asyncio.create_task(batcher.ask(4))
        await asyncio.sleep(0)
        fourth.cancel()

    assert with_clerk(work).batches[:2] == [[1], [3]]


def test_closing_waits_for_what_was_asked_and_takes_no_more() -> None:
    async def work(batcher: Batcher[int, int], clerk: Clerk) -> None:
        tasks = await ask_behind_one(batcher, clerk, 2)
        clerk.may_go_on.set()
        await batcher.close()
        assert [task.result() for task in tasks] == [1, 4]
        with pytest.raises(StoreUnavailable):
            await batcher.ask(3)

    with_clerk(work)
