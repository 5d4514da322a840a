"""Coroutines side by side, without tasks where nobody waits."""

import asyncio

from mailhost.net.eagerly import together
from tests.support.running import run


async def at_once(value: int) -> int:
    return value


async def after(event: asyncio.Event, value: int) -> int:
    await event.wait()
    await asyncio.sleep(0)
    return value


def test_what_waits_for_nothing_needs_no_task() -> None:
    async def scenario() -> None:
        before = asyncio.all_tasks()
        assert await together(at_once(1), at_once(2)) == [1, 2]
        assert asyncio.all_tasks() == before
        assert await together() == []

    run(scenario())


def test_those_that_wait_do_so_side_by_side() -> None:
    async def scenario() -> None:
        first, second = asyncio.Event(), asyncio.Event()

        async def set_both() -> int:
            second.set()
            await asyncio.sleep(0)
            first.set()
            return 3

        assert await together(after(first, 1), at_once(2), after(second, 4), set_both()) == [1, 2, 4, 3]

    run(scenario())


def test_an_exception_is_raised_in_the_coroutine_that_waits_for_it() -> None:
    async def scenario() -> None:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def careful() -> str:
            try:
                await future
            except ValueError as error:
                return str(error)
            return ""

        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("so"))
        assert await together(careful(), at_once(1)) == ["so", 1]

    run(scenario())


def test_whoever_is_cancelled_takes_all_with_it() -> None:
    async def scenario() -> None:
        ended = []

        async def waits() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        task = asyncio.create_task(together(waits(), waits()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert ended == [True, True]

    run(scenario())
