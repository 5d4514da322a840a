"""Asking a program beside this host, which may be slow, away or out of its mind: few at once, in bounded time.

After some failures in a row it is left alone for a while, so that a dead one does not cost every question its time-out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")
Extend = Callable[[], None]

# One question that takes too long may be the question's fault; several in a row are not.
FAILURES_IN_A_ROW: Final = 3
LEFT_ALONE_SECONDS: Final = 10.0


class Away(Exception):
    """There is no answer. The text is a sentence about "it", for the log and for people."""


class Outside:
    """One program, as one process asks it. name: for the log."""

    def __init__(self, name: str, *, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._turns = asyncio.Semaphore(at_once)
        self._clock = clock
        self._failures = 0
        self._ask_again_at = 0.0

    async def ask(
        self,
        question: Callable[[Extend], Awaitable[T]],
        *,
        seconds: float,
        longest_seconds: float | None = None,
    ) -> T:
        """What the question gets. Raises Away.

        The question may raise OSError, EOFError and ValueError for what the program does. It has so many seconds,
        waiting for its turn included, and as many again whenever it calls what it is given, up to longest_seconds.
        """
        self._require_hope()
        loop = asyncio.get_running_loop()
        end = loop.time() + (seconds if longest_seconds is None else max(seconds, longest_seconds))
        has_turn = False
        try:
            async with asyncio.timeout(seconds) as wait, self._turns:
                has_turn = True
                answer = await question(lambda: wait.reschedule(min(loop.time() + seconds, end)))
        except TimeoutError as error:
            if not has_turn:  # it is busy with others, and what they find out of it counts
                raise Away("It is busy.") from error
            raise self._failed("It did not answer in time.") from error
        except EOFError as error:
            raise self._failed("It hung up.") from error
        except OSError as error:
            raise self._failed(f"It cannot be reached: {error.strerror or type(error).__name__}.") from error
        except ValueError as error:
            raise self._failed(str(error)) from error
        self._worked()
        return answer

    def _require_hope(self) -> None:
        """While it is left alone, one question now and then finds out whether it is back."""
        if self._failures < FAILURES_IN_A_ROW:
            return
        now = self._clock()
        if now < self._ask_again_at:
            raise Away("It did not answer a moment ago.")
        self._ask_again_at = now + LEFT_ALONE_SECONDS

    def _failed(self, why: str) -> Away:
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._ask_again_at = self._clock() + LEFT_ALONE_SECONDS
        if self._failures in (1, FAILURES_IN_A_ROW):  # not once for each message
            log.warning(
                "a checker is away",
                checker=self.name,
                why=why,
                left_alone=self._failures >= FAILURES_IN_A_ROW,
            )
        return Away(why)

    def _worked(self) -> None:
        if self._failures:
            log.warning("a checker is back", checker=self.name)
        self._failures = 0
