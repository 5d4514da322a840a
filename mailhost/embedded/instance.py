"""One supervisor for one var/ folder: a lock that ends with its process, and the URLs for commands beside it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another supervisor works on this folder; the text names its process."""


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Holds the folder for this process. Raises AlreadyRunning."""
    path = var / "up.lock"
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(
                f"Another ./run (process {holder}) uses {var}. Stop it first, or start this one beside it with "
                "MAILHOST_VAR=another/folder and MAILHOST_PORT_OFFSET=100."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextmanager
def known_to_commands(var: Path, *, database_url: str, redis_url: str) -> Iterator[None]:
    """While it runs, `manage.py` finds the databases of this folder (mailhost.settings.places)."""
    folder = var / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    urls = {folder / "database_url": database_url, folder / "redis_url": redis_url}
    for path, url in urls.items():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(url + "\n")
    try:
        yield
    finally:
        for path in urls:
            path.unlink(missing_ok=True)
