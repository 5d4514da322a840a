"""Outlives a supervisor that was killed, ends what it left, and ends itself.

Run as a script. Reads lines `+GROUP SIGNAL` and `-GROUP` on stdin, where GROUP is the process group of a child. At
the end of the input, which is how the supervisor's death shows on every system, each group that is left gets its
signal, and SIGKILL when it is still there after a while. The death signal of launch.py reaches the children
themselves, on Linux alone; this also reaches their children, such as Celery's.
"""

import os
import signal
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 5.0
POLL_SECONDS = 0.02


def read_wills() -> dict[int, int]:
    """The groups that are left at the end of the input, with their signals."""
    wills: dict[int, int] = {}
    for line in sys.stdin:
        words = line.split()
        if line.startswith("+"):
            wills[int(words[0])] = int(words[1])
        else:
            wills.pop(-int(words[0]), None)
    return wills


def is_left(group: int) -> bool:
    """Whether the group's leader still runs: one that nobody has waited for yet is gone for our purposes."""
    try:
        state = Path(f"/proc/{group}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return not Path("/proc/self").exists() and is_there(group)
    return state not in "ZX"


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def execute(wills: dict[int, int]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for group, number in wills.items():
        send(group, number)
    while any(is_left(group) for group in wills) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for group in wills:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # it ends when the supervisor has ended, not before
    execute(read_wills())
