"""A whole mail host for a test or benchmark: `manage.py up` in a folder of its own, on ports of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 120
STOP_SECONDS = 15
# Below the ports that the kernel gives to clients (from 32,768 on), which come and go.
FIRST_PORT_OFFSET = 12_000
LAST_PORT_OFFSET = 24_000
PORTS = (1025, 1587, 1465, 1143, 1993, 1110, 1995, 8000)  # what `up` takes without an offset


class NotReady(Exception):
    """The host ended, or took too long; the text has what it printed."""


def free_port_offset() -> int:
    """An offset at which the ports are free now. Runs side by side begin at different places."""
    first = FIRST_PORT_OFFSET + os.getpid() % 900 * 10
    for offset in range(first, LAST_PORT_OFFSET, 10):
        if all(_is_free(offset + port) for port in PORTS):
            return offset
    raise NotReady("no free ports")


def free_port() -> int:
    """One that nobody listens at now, on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _is_accepting(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Host:
    """Runs from `with` to its end. `demo` is var/demo.json."""

    def __init__(self, **variables: str) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="mailhost-host-"))
        self.environment = {**_clean_environment(), "MAILHOST_VAR": str(self.var), **variables}
        self.environment.setdefault("MAILHOST_PORT_OFFSET", str(free_port_offset()))
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Host":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.var, ignore_errors=True)

    def start(self) -> None:
        """Returns once it says `ready`. Raises NotReady."""
        words = [sys.executable, "manage.py", "up"]
        self.process = subprocess.Popen(
            words, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        wait_until_ready(self.process)

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            finally:
                self.process.kill()
                self.process.wait()
                assert self.process.stdout is not None
                self.process.stdout.close()
                self.process = None

    def manage(self, *words: str, given: str = "") -> str:
        """What `manage.py words…` prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            input=given,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    @property
    def demo(self) -> dict[str, Any]:
        """The ports, passwords and the CA."""
        found: dict[str, Any] = json.loads((self.var / "demo.json").read_text())
        return found

    @property
    def ports(self) -> dict[str, int]:
        """By name."""
        ports: dict[str, int] = self.demo["ports"]
        return ports

    def password(self, address: str) -> str:
        """Of a demo account or the operator."""
        for entry in (*self.demo["accounts"], self.demo["operator"]):
            if entry["address"] == address:
                return str(entry["password"])
        raise KeyError(address)

    def pids(self, name: str) -> list[int]:
        """The processes that write to this program's logs: each process of it, and its children."""
        logs = {str(path) for path in (self.var / "log").glob(f"{name}*.log")}
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _writes_to(pid, logs)]

    def wait_until_at_rest(self, name: str, *, seconds: float = 300.0) -> None:
        """Until the program does next to nothing for two seconds, such as a worker that has caught up."""
        until = time.monotonic() + seconds
        used = -1.0
        while time.monotonic() < until:
            before, used = used, sum(map(_cpu_seconds, self.pids(name)))
            if 0 <= used - before < 0.1:
                return
            time.sleep(2)

    def kill(self, name: str) -> list[int]:
        """SIGKILL for the program and its children, as if the machine had lost them; their ids."""
        pids = self.pids(name)
        assert pids, f"{name} is not running"
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return pids

    def wait_for_port(self, name: str, *, seconds: float = 30) -> None:
        """Until the door accepts again."""
        deadline = time.monotonic() + seconds
        while not _is_accepting(self.ports[name]):
            if time.monotonic() > deadline:
                raise NotReady(f"{name} does not come back")
            assert self.process is not None
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise NotReady("the supervisor ended")


def _writes_to(pid: int, logs: set[str]) -> bool:
    try:
        return not logs.isdisjoint({os.readlink(f"/proc/{pid}/fd/1"), os.readlink(f"/proc/{pid}/fd/2")})
    except OSError:
        return False


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:  # ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _clean_environment() -> dict[str, str]:
    """This process's, without what would point the host at other data."""
    ours = ("MAILHOST_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def wait_until_ready(process: "subprocess.Popen[str]", *, seconds: float = READY_SECONDS) -> None:
    """Reads what is printed up to `ready`. Raises NotReady with all of it where that does not come."""
    assert process.stdout is not None
    printed = []
    timer = Timer(seconds, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            printed.append(line)
            if line.strip() == "ready":
                return
    finally:
        timer.cancel()
    raise NotReady("".join(printed))
