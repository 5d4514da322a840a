"""What the embedded Postgres and Valkey have in common: children of ours that answer in time, or say why not."""

import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from mailhost.embedded import child
from mailhost.embedded.child import ServerFailed

POLL_SECONDS = 0.02


class Server(ABC):
    """One server on one data folder. start() returns when it answers."""

    name: ClassVar[str]  # in texts
    start_seconds: ClassVar[float]

    def __init__(self, *, data: Path, log: Path, fast_and_unsafe: bool = False) -> None:
        self.data = data.absolute()
        self.log = log
        self.fast_and_unsafe = fast_and_unsafe
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts the process; it answers a little later."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    def start(self) -> None:
        """Raises ServerFailed. The calling thread must live as long as the server shall (child.start)."""
        self.spawn()
        deadline = time.monotonic() + self.start_seconds
        while not self.is_ready():
            self.raise_if_dead()
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self.name} did not answer within {self.start_seconds:.0f} s. {self.log_tail()}"
                )
            time.sleep(POLL_SECONDS)

    def raise_if_dead(self) -> None:
        if self.process is None or self.process.poll() is None:
            return
        raise ServerFailed(f"{self.name} ended by itself ({self.process.returncode}). {self.log_tail()}")

    def log_tail(self) -> str:
        return f"The end of {self.log}:\n{child.tail(self.log)}"
