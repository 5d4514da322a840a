"""Starts every process of the mail host on one machine, keeps them running, and leaves none behind.

Order of the start: Postgres and Valkey, then what they need (migrations, demo data) by the caller, then doors and
workers at once. The stop goes the other way round. Only this module's thread starts children (child.start).
"""

import asyncio
import functools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from mailhost.embedded import child
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.forks import Nursery
from mailhost.embedded.keeper import Keeper, Process, describe
from mailhost.embedded.ports import is_accepting
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.programs import Program
from mailhost.embedded.valkey import Valkey

LAST_WILL = Path(__file__).with_name("last_will.py")
POLL_SECONDS = 0.03
READY_SECONDS = 60.0  # a cold disk and a busy machine; the second start takes a few seconds
LARGEST_LOG_OCTETS = 20_000_000  # a longer log is put aside at the next start, one of it is kept

# Together under the 10 s that the whole stop may take.
DOOR_STEPS = [(signal.SIGTERM, 3.0)]
WORKER_STEPS = [(signal.SIGTERM, 2.0)]  # what a worker had claimed comes back when its lease ends
VALKEY_STEPS = [(signal.SIGTERM, 1.0)]
POSTGRES_STEPS = [(signal.SIGINT, 2.0), (signal.SIGQUIT, 1.0)]


class Supervisor:
    """One mail host on one machine. Everything here runs in one event loop on the main thread."""

    def __init__(
        self, *, folder: Path, logs: Path, report: Callable[[str], None], modules: Sequence[str] = ()
    ) -> None:
        """`folder` is where Python finds our modules; `modules` are those that the programs share."""
        self.logs = logs
        self.report = report
        self.changed = asyncio.Event()
        self.databases: list[Keeper] = []
        self.doors: list[Keeper] = []
        self.workers: list[Keeper] = []
        self.tasks: set[asyncio.Task[None]] = set()
        words = [sys.executable, "-I", "-S", str(LAST_WILL)]
        self.last_will = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._look_at_children)
        log = logs / "nursery.log"
        self.nursery = Nursery(modules=modules, folder=folder, log=log, changed=self._look_at_children)
        self.nursery.start()

    # --- Start --------------------------------------------------------------------------------------------------

    async def start_databases(self, *servers: Postgres | Valkey) -> None:
        """Starts them and waits until they answer. Raises ServerFailed."""
        for server in servers:
            is_postgres = isinstance(server, Postgres)
            keeper = self._keeper(
                "postgres" if is_postgres else "valkey",
                server.spawn,
                log=server.log,
                firmer=POSTGRES_STEPS if is_postgres else VALKEY_STEPS,
                death_signal=signal.SIGQUIT if is_postgres else signal.SIGKILL,
            )
            self.databases.append(keeper)
            keeper.start()
        for server, keeper in zip(servers, self.databases, strict=True):
            await self._until(server.is_ready, keeper, what=f"{keeper.name} does not answer")
            keeper.is_ready = True
            self._in_background(keeper.keep())

    async def run_once(self, program: Program) -> None:
        """Waits for its end. Raises ServerFailed with its last words unless it ends well."""
        await self.nursery.wait_until_loaded()
        log = self.logs / f"{program.name}.log"
        fork = self.nursery.fork(name=program.name, module=program.module, words=program.words, log=log)
        try:
            while (code := fork.poll()) is None:
                self.changed.clear()
                await self.changed.wait()
        finally:
            child.kill_group(fork.pid)
        if code != 0:
            raise ServerFailed(
                f"{program.name} failed ({describe(code)}). The end of {log}:\n{child.tail(log)}"
            )

    async def start_programs(
        self,
        *,
        doors: Sequence[Program],
        workers: Sequence[Program],
        host: str,
        ports: Mapping[str, int],
        seconds: float = READY_SECONDS,
    ) -> None:
        """Starts all of them at once and waits until each port accepts. Raises ServerFailed."""
        self.doors = [self._program(program, DOOR_STEPS) for program in doors]
        self.workers = [self._program(program, WORKER_STEPS) for program in workers]
        await self.nursery.wait_until_loaded()
        for keeper in (*self.doors, *self.workers):
            keeper.start()
            self._in_background(keeper.keep())
        deadline = time.monotonic() + seconds
        for program, keeper in zip(doors, self.doors, strict=True):
            for name in program.ports:
                test = functools.partial(is_accepting, ports[name], host=host)
                what = f"Nothing accepts on port {ports[name]} ({name})"
                await self._until(test, keeper, what=what, deadline=deadline)
            keeper.is_ready = True

    async def _until(
        self, test: Callable[[], bool], keeper: Keeper, *, what: str, deadline: float | None = None
    ) -> None:
        deadline = deadline or time.monotonic() + READY_SECONDS
        while not test():
            is_dead = (
                not keeper.failures and keeper in self.databases and keeper.process and keeper.process.poll()
            )
            if is_dead or keeper.has_given_up or time.monotonic() > deadline:
                raise ServerFailed(f"{what}. The end of {keeper.log}:\n{child.tail(keeper.log)}")
            await asyncio.sleep(POLL_SECONDS)

    # --- Stop ---------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Doors first, so that nothing new comes in; then what works; then what keeps the data."""
        for keepers in (self.doors, self.workers, self.databases[::-1]):
            await asyncio.gather(*(keeper.stop() for keeper in keepers))
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.nursery.stop()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
        self.last_will.communicate()

    def kill(self) -> None:
        """Everything at once, when people press Ctrl-C a second time. Nothing committed is lost by it."""
        for keeper in (*self.doors, *self.workers, *self.databases):
            if keeper.process is not None:
                keeper.process.send_signal(
                    keeper.firmer[-1][0] if keeper in self.databases else signal.SIGKILL
                )

    # --- Inside -------------------------------------------------------------------------------------------------

    def _program(self, program: Program, firmer: Sequence[tuple[signal.Signals, float]]) -> Keeper:
        log = self.logs / f"{program.name}.log"

        def spawn() -> Process:
            return self.nursery.fork(name=program.name, module=program.module, words=program.words, log=log)

        return self._keeper(program.name, spawn, log=log, firmer=firmer)

    def _keeper(
        self,
        name: str,
        spawn: Callable[[], Process],
        *,
        log: Path,
        firmer: Sequence[tuple[signal.Signals, float]],
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> Keeper:
        put_aside(log)
        return Keeper(
            name,
            spawn,
            log,
            firmer,
            self.report,
            started=lambda pid: self._tell_last_will(f"+{pid} {int(death_signal)}"),
            ended=lambda pid: self._tell_last_will(f"-{pid}"),
        )

    def _tell_last_will(self, line: str) -> None:
        assert self.last_will.stdin is not None
        try:
            self.last_will.stdin.write(line.encode() + b"\n")
            self.last_will.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # it was killed or is closed; on Linux the death signal does without it

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)

    def _look_at_children(self) -> None:
        self.changed.set()
        for keeper in (*self.doors, *self.workers, *self.databases):
            keeper.changed.set()


def put_aside(log: Path) -> None:
    """Keeps logs from filling the disk: one old one of each stays."""
    if log.exists() and log.stat().st_size > LARGEST_LOG_OCTETS:
        log.replace(log.with_suffix(".log.1"))
