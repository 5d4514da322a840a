"""Our end of the nursery: asks it for processes, and hears when they end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mailhost.embedded import child
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.nursery import PADDING

STOP_SECONDS = 1.0


class Fork:
    """A process that the nursery made: as much of subprocess.Popen as a keeper asks for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def send_signal(self, number: int) -> None:
        if self.code is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass  # it ended a moment ago, and we are about to hear of it


class Nursery:
    """Started before the databases, so that it imports while they start. One event loop uses it."""

    def __init__(
        self, *, modules: Sequence[str], folder: Path, log: Path, changed: Callable[[], None]
    ) -> None:
        self.modules = modules
        self.folder = folder
        self.log = log
        self.changed = changed
        self.forks: dict[int, Fork] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.loaded = asyncio.Event()
        self._pending = b""
        self._started: list[Fork] = []

    def start(self) -> None:
        words = [sys.executable, "-m", "mailhost.embedded.nursery", PADDING, *self.modules]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                child.launch_command(words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                bufsize=0,
            )
        assert self.process.stdout is not None
        asyncio.get_running_loop().add_reader(self.process.stdout.fileno(), self._read)

    async def wait_until_loaded(self) -> None:
        """Raises ServerFailed where the imports fail."""
        await self.loaded.wait()
        self._raise_if_dead()

    def fork(self, *, name: str, module: str, words: Sequence[str], log: Path) -> Fork:
        """Runs `python -m module words…`. Waits for the fork, which takes milliseconds. Raises ServerFailed."""
        if self.process is None or self.process.poll() is not None:
            self._lose()  # it was killed, and its forks with it
            self.start()
        assert self.process is not None
        assert self.process.stdin is not None
        request = {"name": name, "module": module, "words": list(words), "log": str(log)}
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            self._raise_if_dead()
        while not self._started:
            self._read()
            self._raise_if_dead()
        return self._started.pop()

    def stop(self) -> None:
        """Ends it; its forks have been stopped before."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.stop(self.process, firmer=())
        self._lose()

    def _read(self) -> None:
        """Takes in what it says; the end of its output is the end of all its forks."""
        assert self.process is not None
        assert self.process.stdout is not None
        octets = os.read(self.process.stdout.fileno(), 65536)
        if not octets:
            self._lose()
        *lines, self._pending = (self._pending + octets).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        self.changed()

    def _lose(self) -> None:
        """The end of the nursery: the kernel has killed what it had forked."""
        if self.process is None or self.process.stdout is None or self.process.stdout.closed:
            return
        asyncio.get_running_loop().remove_reader(self.process.stdout.fileno())
        self.process.stdout.close()
        self.process.wait()
        for fork in self.forks.values():
            fork.code = -signal.SIGKILL
        self.forks.clear()
        self._started.clear()
        self._pending = b""
        self.loaded.set()  # whoever waits looks whether it is alive

    def _take(self, words: dict[str, int]) -> None:
        if "loaded" in words:
            self.loaded.set()
        elif "started" in words:
            fork = self.forks[words["started"]] = Fork(words["started"])
            self._started.append(fork)
        elif ended := self.forks.pop(words["ended"], None):
            ended.code = words["code"]

    def _raise_if_dead(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            raise ServerFailed(
                f"The programs could not be loaded. The end of {self.log}:\n{child.tail(self.log)}"
            )
