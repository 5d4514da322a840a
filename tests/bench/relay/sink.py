"""Postfix's smtp-sink, which takes every message and forgets it, and how many it has taken."""

import os
import re
import shutil
import subprocess
import threading
import time
from types import TracebackType

COUNTED = re.compile(rb"mesg=(\d+)(?=\D)")
READY_SECONDS = 10


class NoSink(Exception):
    """smtp-sink is not installed (Debian has it in postfix)."""


class Sink:
    """Runs from `with` to its end, at 127.0.0.1 and this port."""

    def __init__(self, port: int) -> None:
        program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/sbin")
        if program is None:
            raise NoSink("smtp-sink was not found: install postfix, which brings it.")
        self.port = port
        self._words = [program, "-u", "nobody", "-c", f"127.0.0.1:{port}", "1000"]
        self._changed = threading.Condition()
        self._taken = self._wanted = 0

    def __enter__(self) -> "Sink":
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def wait_for_more(self, count: int, *, seconds: float) -> float:
        """Until it has taken so many more than were waited for before; the time.perf_counter() of that.

        It tells of a message when the next thing happens, so the last one is not waited for. Raises TimeoutError.
        """
        self._wanted += count
        until = time.monotonic() + seconds
        with self._changed:
            while self._taken < self._wanted - 1:
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    short = self._wanted - self._taken
                    raise TimeoutError(
                        f"{short} of {count} messages did not come to the sink in {seconds:.0f} s"
                    )
        return time.perf_counter()

    def _count(self) -> None:
        assert self._process.stdout is not None
        tail = b""
        while octets := os.read(self._process.stdout.fileno(), 1 << 16):
            tail = (tail + octets)[-200:]
            if found := COUNTED.findall(tail):
                with self._changed:
                    self._taken = int(found[-1])
                    self._changed.notify_all()
