"""Servers for tests: an event loop (uvloop, as in production) in a thread beside the test."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import uvloop

T = TypeVar("T")

START_TIMEOUT_SECONDS = 30.0


@contextmanager
def running(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter the asynchronous context in a loop of its own thread, give what it gives (such as ports), leave
    it.

        @asynccontextmanager
        async def pop3() -> AsyncIterator[int]:
            listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits)
            yield listener.port
            await listener.close()

        with running(pop3()) as port: ...
    """
    started: Future[T] = Future()
    control: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stopping = asyncio.Event()
        control.set_result((asyncio.get_running_loop(), stopping))
        try:
            async with server as given:
                started.set_result(given)
                await stopping.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=lambda: uvloop.run(main()), name="server of a test", daemon=True)
    thread.start()
    try:
        yield started.result(START_TIMEOUT_SECONDS)
    finally:
        loop, stopping = control.result()
        if thread.is_alive():
            try:
                loop.call_soon_threadsafe(stopping.set)
            except RuntimeError:
                pass  # it ended on its own
        thread.join(START_TIMEOUT_SECONDS)
        assert not thread.is_alive(), "the server of the test does not stop"
