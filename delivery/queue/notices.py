"""Telling the worker that mail waits: `relay_due`, over Celery, from a thread of its own.

A notice may be lost: beat sends the same one on a short clock. So a commit never waits for Redis, and while Redis is
away nobody asks it for some seconds.
"""

import functools
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

RELAY_DUE: Final = "delivery.relay_due"
MOVE_WAITING: Final = "delivery.move_waiting"
EXPIRES_SECONDS: Final = 30  # a worker that was away that long has beat's notices waiting anyway
# Commits that follow each other closely are told with one notice: a run takes all that is due.
PAUSE_SECONDS: Final = 0.05
# While they go on following each other a task costs more than it brings: notices come less and less often. What is
# being sent to finds new mail without them.
LONGEST_PAUSE_SECONDS: Final = 0.5
BREAK_SECONDS: Final = 5.0


class Notifier:
    """Sends a notice soon after `tell`; many calls make few notices. Its thread starts with the first call."""

    def __init__(self, send: Callable[[], None], *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._send = send
        self._pause_seconds = pause_seconds
        self._told = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self) -> None:
        """Never blocks, never raises."""
        self._told.set()
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="relay notices", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        longer = self._pause_seconds
        while True:
            self._told.wait()
            self._told.clear()
            try:
                self._send()
                pause = longer
            except (OperationalError, OSError) as error:
                log.info("the worker could not be told of new mail", error=str(error))
                pause = BREAK_SECONDS
            time.sleep(pause)
            longer = min(longer * 2, LONGEST_PAUSE_SECONDS) if self._told.is_set() else self._pause_seconds


def send_notice() -> None:
    """One `relay_due`. Raises kombu's OperationalError where Redis is away."""
    current_app.send_task(RELAY_DUE, expires=EXPIRES_SECONDS, ignore_result=True, retry=False)


@functools.cache
def _notifier() -> Notifier:
    return Notifier(send_notice)


def relay_is_due() -> None:
    """Called after the commit that queued something."""
    _notifier().tell()


def routes_changed() -> None:
    """Called after the commit that changed routes; beat's next round finds it as well."""
    try:
        current_app.send_task(MOVE_WAITING, expires=EXPIRES_SECONDS, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        log.info("the worker could not be told of changed routes", error=str(error))
