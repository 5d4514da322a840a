"""one_ahead: order, what is asked for when, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from mailhost.net.one_ahead import one_ahead


async def _count(asked: list[int], *, to: int) -> AsyncIterator[int]:
    for number in range(1, to + 1):
        asked.append(number)
        yield number


def test_the_next_one_is_being_read_while_this_one_is_worked_on() -> None:
    async def read() -> list[tuple[int, int]]:
        asked: list[int] = []
        seen = []
        async with aclosing(one_ahead(_count(asked, to=3))) as numbers:
            async for number in numbers:
                await asyncio.sleep(0)
                seen.append((number, asked[-1]))
        return seen

    assert asyncio.run(read()) == [(1, 2), (2, 3), (3, 3)]


def test_what_the_source_raises_comes_after_what_it_gave() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise LookupError("gone")

    async def read(seen: list[int]) -> None:
        async with aclosing(one_ahead(broken())) as numbers:
            async for number in numbers:
                seen.append(number)

    seen: list[int] = []
    with pytest.raises(LookupError):
        asyncio.run(read(seen))
    assert seen == [1]


def test_whoever_ends_early_ends_the_source_too() -> None:
    ended: list[str] = []

    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.append("closed")

    async def read() -> None:
        async with aclosing(one_ahead(endless())) as numbers:
            async for _ in numbers:
                await asyncio.sleep(0)
                break
        assert ended == ["closed"]

    asyncio.run(read())
