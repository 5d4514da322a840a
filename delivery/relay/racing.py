"""Which of several addresses is spoken to: the next one is tried while the last still connects (RFC 8305 section 5).

Only addresses of one MX preference are given here together, so that no worse host is ever taken for being faster.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from delivery.relay.next_hops import NextHop
from delivery.relay.wire import Wire, WireLost

HEAD_START_SECONDS: Final = 0.25  # RFC 8305 section 8: Connection Attempt Delay

Connect = Callable[[NextHop], Awaitable[Wire]]
LetGo = Callable[[NextHop, Wire], None]
Pause = Callable[[float], Awaitable[None]]


async def first_connected(
    hops: Sequence[NextHop],
    *,
    connect: Connect,
    failures: dict[NextHop, WireLost],
    let_go: LetGo,
    pause: Pause = asyncio.sleep,
) -> tuple[NextHop, Wire] | None:
    """The first to answer, of hops started one after the other; None where none does.

    `failures` takes those that failed meanwhile. Whoever still connects then is cancelled and may be tried again; who
    answered in the same moment is given to `let_go`.
    """
    racing: dict[asyncio.Task[Wire], NextHop] = {}
    waiting = list(hops)
    timer: asyncio.Task[None] | None = None
    try:
        while waiting or racing:
            if waiting and (timer is None or timer.done() or not racing):
                hop = waiting.pop(0)
                racing[asyncio.create_task(_connected(connect, hop), name=f"connect to {hop.address}")] = hop
                if timer is not None:
                    timer.cancel()
                timer = asyncio.create_task(_paused(pause)) if waiting else None
            await asyncio.wait({*racing, *([timer] if timer else [])}, return_when=asyncio.FIRST_COMPLETED)
            for task in [each for each in racing if each.done()]:  # in the order in which they were started
                hop = racing[task]
                error = task.exception()
                if error is None:
                    del racing[task]
                    return hop, task.result()
                del racing[task]
                if not isinstance(error, WireLost):
                    raise error
                failures[hop] = error
        return None
    finally:
        await _end(racing, timer, let_go)


async def _connected(connect: Connect, hop: NextHop) -> Wire:
    return await connect(hop)


async def _paused(pause: Pause) -> None:
    await pause(HEAD_START_SECONDS)


async def _end(
    racing: dict[asyncio.Task[Wire], NextHop], timer: asyncio.Task[None] | None, let_go: LetGo
) -> None:
    if timer is not None:
        timer.cancel()
    for task in racing:
        task.cancel()
    results = await asyncio.gather(*racing, return_exceptions=True)
    for hop, result in zip(racing.values(), results, strict=True):
        if isinstance(result, Wire):
            let_go(hop, result)
