"""Two transactions at once, of which the first has done its work and not committed when the second begins."""

import asyncio
import threading
from collections.abc import Callable

from django.db import transaction

from mailhost.net.store_threads import StoreThreads
from tests.support.running import run


class Slow:
    """A transaction that has done its work and does not commit yet."""

    def __init__(self, verb: Callable[[], object]) -> None:
        self.verb, self.is_done, self.may_commit = verb, threading.Event(), threading.Event()

    def __call__(self) -> object:
        with transaction.atomic():
            result = self.verb()
            self.is_done.set()
            assert self.may_commit.wait(10)
        return result


def both(first: Callable[[], object], second: Callable[[], object]) -> list[object]:
    """The second begins while the first has not committed; what came of both."""
    results: list[object] = []

    async def scenario() -> None:
        threads, slow = StoreThreads(2, "race"), Slow(first)
        one = asyncio.create_task(threads.run(slow))
        await asyncio.to_thread(slow.is_done.wait, 10)
        two = asyncio.create_task(threads.run(second))
        await asyncio.wait({two}, timeout=0.2)
        slow.may_commit.set()
        results.extend(await asyncio.gather(one, two, return_exceptions=True))
        threads.close()

    run(scenario())
    return results
