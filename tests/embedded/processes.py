"""Looking at processes from outside, and waiting for them to end."""

import os
import select
from pathlib import Path


def processes_in(folder: Path) -> list[int]:
    """Processes whose working directory or command line lies in the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            where = os.readlink(process / "cwd")
        except OSError:
            continue
        if str(folder) in words.decode(errors="replace") or where.startswith(str(folder)):
            found.append(int(process.name))
    return found


def wait_until_gone(pids: list[int]) -> None:
    """Raises AssertionError for one that is still there after ten seconds."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        gone, _, _ = select.select([handle], [], [], 10)
        os.close(handle)
        assert gone, f"process {pid} is still there"
