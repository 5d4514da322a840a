"""The event loop of a worker process: a thread that lives as long as the process, whatever Celery's tasks do."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import structlog
import uvloop
from celery import signals

from delivery.worker import Worker

log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 30.0  # claiming takes milliseconds; a database that is away, seconds
CLOSE_SECONDS: Final = 5.0


class WorkerThread:
    """A Worker in a loop of its own."""

    def __init__(self, make_worker: Callable[[], Worker] = Worker) -> None:
        self.pid = os.getpid()
        self._make_worker = make_worker
        self._loop = uvloop.new_event_loop()
        self._worker: Worker | None = None
        self._closing: Future[None] | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()

    def round(self) -> int:
        """One round of the worker; how many destinations it claimed."""
        return asyncio.run_coroutine_threadsafe(self._round(), self._loop).result(ROUND_SECONDS)

    def stop(self) -> None:
        """Takes nothing more, and gives its claims back within moments; does not wait for that."""
        if self._worker is not None and self._closing is None:
            self._closing = asyncio.run_coroutine_threadsafe(self._worker.close(), self._loop)

    def close(self) -> None:
        """Ends the worker and the loop."""
        self.stop()
        if self._closing is not None:
            try:
                self._closing.result(CLOSE_SECONDS)
            except TimeoutError:
                log.warning("the worker did not end in time: its claims run out by themselves")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)

    async def _round(self) -> int:
        if self._worker is None:
            self._worker = self._make_worker()  # in the loop: its locks and semaphores belong to it
        return await self._worker.round()


_lock = threading.Lock()
_running: WorkerThread | None = None


def worker_thread() -> WorkerThread:
    """This process's own, started when first asked for (never inherited: a fork has no threads)."""
    global _running
    with _lock:
        if _running is None or _running.pid != os.getpid():
            _running = WorkerThread()
        return _running


@signals.worker_shutting_down.connect
def _stop(**_: object) -> None:
    if _running is not None and _running.pid == os.getpid():
        _running.stop()


@signals.worker_process_shutdown.connect  # of a prefork child
@signals.worker_shutdown.connect  # of the worker itself
def _close(**_: object) -> None:
    if _running is not None and _running.pid == os.getpid():
        _running.close()
