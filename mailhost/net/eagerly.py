"""Several coroutines at once, without a task for those that have to wait for nothing.

A task costs its making, a turn of the loop, and the wait for those turns. What asks a cache is mostly done by then.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Begun(Generic[T]):
    """A coroutine that has run until it first waits. It must not ask which task it is in: there it was another one."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(answer)
        except StopIteration as end:
            value: T = end.value
            return value


async def together(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """What each returns, in order. Each runs at once until it waits; then they wait side by side.

    For coroutines that raise nothing. Inside them asyncio.timeout and current_task are out of place.
    """
    results: list[Any] = [None] * len(coroutines)
    begun: dict[int, _Begun[Any]] = {}
    for number, coroutine in enumerate(coroutines):
        try:
            begun[number] = _Begun(coroutine, coroutine.send(None))
        except StopIteration as end:
            results[number] = end.value
    if begun:
        rest = await asyncio.gather(*(_rest(each) for each in begun.values()))
        for number, value in zip(begun, rest, strict=True):
            results[number] = value
    return results


async def _rest(begun: Awaitable[T]) -> T:
    return await begun
