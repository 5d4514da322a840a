"""How much of the machine does nothing: for work that can wait until then."""

from collections.abc import Callable
from pathlib import Path

STAT = Path("/proc/stat")
IDLE, WAITING_FOR_DISK = 3, 4  # columns of its first line


class IdleTime:
    """Measures from one question to the next. `read` gives the first line of /proc/stat, "" where there is none."""

    def __init__(self, read: Callable[[], str] | None = None) -> None:
        self._read = read or _first_line
        self._before: tuple[int, int] | None = None

    def share(self) -> float:
        """Of all cores since the last question; 1.0 the first time, and where nothing is known."""
        columns = [int(column) for column in self._read().split()[1:]]
        if len(columns) <= WAITING_FOR_DISK:
            return 1.0
        now = columns[IDLE] + columns[WAITING_FOR_DISK], sum(columns)
        before, self._before = self._before, now
        if before is None or now[1] <= before[1]:
            return 1.0
        return (now[0] - before[0]) / (now[1] - before[1])


def _first_line() -> str:
    try:
        with STAT.open(encoding="ascii") as lines:
            return lines.readline()
    except OSError:
        return ""
