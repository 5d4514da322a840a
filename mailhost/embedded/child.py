"""Children of ours: started through launch.py in a session of their own, with a log file; stopped firmly."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
TAIL_LINES = 15


class ServerFailed(Exception):
    """An embedded server did not start or did not answer; the text says why and shows the end of its log."""


def launch_command(
    program: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    unprivileged: Sequence[Path] = (),
) -> list[str]:
    """The command line that runs `program` so that it gets `death_signal` when the calling thread ends.

    With `unprivileged` folders the program never runs as root, and owns these folders.
    """
    head = [sys.executable, "-I", "-S", str(LAUNCH), str(int(death_signal)), str(os.getpid())]
    return [*head, *(str(path) for path in unprivileged), "--", *program]


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a command line made by launch_command; what it prints is appended to `log`.

    Call it from a thread that lives as long as the child shall: the kernel ties the death signal to it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], *, firmer: Sequence[tuple[signal.Signals, float]]) -> None:
    """Sends each signal in turn and waits its seconds, then kills the whole session."""
    for number, seconds in firmer:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    kill_group(process.pid)
    process.wait()


def kill_group(group: int) -> None:
    """SIGKILL to whatever is left of a child's session; nothing left is fine."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def tail(log: Path) -> str:
    """The last lines of a log file, indented, for an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in lines) or "  (the log is empty)"
