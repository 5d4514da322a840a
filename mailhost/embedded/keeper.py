"""Keeps one child running: starts it, starts it again with growing pauses when it ends, stops it when told."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mailhost.embedded import child

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a child that ran this long starts with the short pause again
GIVES_UP_AFTER = 3  # ends before it was ever ready


class Process(Protocol):
    """What is asked of a child, be it a subprocess.Popen or a fork of the nursery."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...


@dataclass
class Keeper:
    """One child: `spawn` starts a process of it, `firmer` is how it is stopped."""

    name: str
    spawn: Callable[[], Process]
    log: Path
    firmer: Sequence[tuple[signal.Signals, float]]
    report: Callable[[str], None]
    started: Callable[[int], None]  # told each process id, for the last will
    ended: Callable[[int], None]
    process: Process | None = None
    failures: int = 0  # in a row
    is_ready: bool = False
    is_stopping: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # set at each SIGCHLD

    def start(self) -> None:
        self.process = self.spawn()
        self.started(self.process.pid)

    async def keep(self) -> None:
        """Runs until stop(); the first process has been started."""
        while not self.is_stopping:
            began = time.monotonic()
            code = await self._end()
            if self.is_stopping:
                return
            self.failures = 1 if time.monotonic() - began > STEADY_SECONDS else self.failures + 1
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
            self.report(
                f"{self.name} ended ({describe(code)}); it starts again in {pause:g} s. Log: {self.log}"
            )
            await asyncio.sleep(pause)
            if not self.is_stopping:
                self._start_again()

    def _start_again(self) -> None:
        try:
            self.start()
        except (
            child.ServerFailed,
            OSError,
        ) as error:  # a full disk: the ended process stands for the next try
            self.report(f"{self.name} could not be started: {error}")

    async def _end(self) -> int:
        process = self.process
        assert process is not None
        while (code := process.poll()) is None:
            self.changed.clear()
            await self.changed.wait()
        child.kill_group(process.pid)
        self.ended(process.pid)
        return code

    @property
    def has_given_up(self) -> bool:
        """It ended again and again without ever having been ready."""
        return not self.is_ready and self.failures >= GIVES_UP_AFTER

    async def stop(self) -> None:
        """Each signal in turn, then SIGKILL for the process and what it started itself."""
        self.is_stopping = True
        process = self.process
        if process is None:
            return
        for number, seconds in self.firmer:
            if process.poll() is not None:
                break
            process.send_signal(number)
            try:
                await asyncio.wait_for(self._end(), seconds)
            except TimeoutError:
                continue
        child.kill_group(process.pid)
        await self._end()
        self.process = None


def describe(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
