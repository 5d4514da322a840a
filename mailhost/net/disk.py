"""Whether the disk has room for more mail. Postgres stops, and needs a hand to start, on a disk that is full."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

LOOK_AGAIN_SECONDS = 1.0


class DiskWatch:
    """Room on the disk that holds a path, looked up at most once a second."""

    def __init__(
        self, path: Path, *, reserve_octets: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._reserve_octets = reserve_octets
        self._clock = clock
        self._looked_at = float("-inf")
        self._has_room = True

    def has_room(self) -> bool:
        """False below the reserve. A path that is not there yet is looked for upwards."""
        now = self._clock()
        if now - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = now
            self._has_room = self._free_octets() >= self._reserve_octets
        return self._has_room

    def _free_octets(self) -> int:
        for path in (self._path, *self._path.parents):
            try:
                state = os.statvfs(path)
            except FileNotFoundError:
                continue
            return state.f_bavail * state.f_frsize
        return 0


_watches: dict[tuple[Path, int], DiskWatch] = {}


def has_room() -> bool:
    """Whether settings.DISK_PATH has more than settings.DISK_RESERVE_OCTETS free."""
    key = (settings.DISK_PATH, settings.DISK_RESERVE_OCTETS)  # tests change them
    watch = _watches.get(key)
    if watch is None:
        watch = _watches[key] = DiskWatch(Path(key[0]), reserve_octets=key[1])
    return watch.has_room()
