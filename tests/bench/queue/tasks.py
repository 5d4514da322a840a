"""What a Celery task costs for each message: one task's CPU in the worker, and how many messages share one.

Messages are queued one after the other, each in a commit of its own, and leave for a sink on this machine. Prints JSON
as measure.py does.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mailhost.embedded import places
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.valkey import Valkey
from tests.support.host import free_port
from tests.support.smtp_sink import smtp_sink

TASKS: Final = 1_000
MESSAGES: Final = 300  # one after the other
MANY: Final = 2_000  # as a busy host has them: several in one commit
IN_A_COMMIT: Final = 10
GIVE_UP_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.05


@contextmanager
def servers(port: int) -> Iterator[Path]:
    """Postgres, migrated, and Valkey; settings that relay to this port."""
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        var = Path(folder)
        sockets = places.socket_folder(var)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="mailhost.settings",
            MAILHOST_VAR=folder,
            MAILHOST_RELAY=f"smarthost:127.0.0.1:{port}",
            MAILHOST_DKIM_AUTOMATIC="0",
            MAILHOST_LOG_LEVEL="ERROR",
            DATABASE_URL=places.database_url(var),
            REDIS_URL=places.redis_url(var),
            BENCH_TASKS=str(var / "tasks"),
        )
        postgres = Postgres(data=var / "postgres", sockets=sockets, log=var / "log" / "postgres.log")
        valkey = Valkey(
            data=var / "valkey", socket_path=places.valkey_socket(var), log=var / "log" / "valkey.log"
        )
        started: list[Postgres | Valkey] = []
        try:
            for server in (postgres, valkey):
                server.start()
                started.append(server)
            import django
            from django.core.management import call_command

            import mailhost.celery  # noqa: F401  notices go to its broker

            django.setup()
            call_command("migrate", verbosity=0)
            yield var
        finally:
            for server in reversed(started):
                server.stop()


@contextmanager
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    """As `worker` runs, with a count."""
    words = [sys.executable, "-m", "celery", "-A", "tests.bench.queue.counted_worker", "worker"]
    started = subprocess.Popen(
        [*words, "--without-mingle", "--without-gossip", "--loglevel", "ERROR"], stdout=subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


def cpu_seconds(pid: int) -> float:
    """User and system time of the process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ran(var: Path) -> int:
    """How many tasks so far."""
    try:
        return int((var / "tasks").read_text() or 0)
    except FileNotFoundError:
        return 0


def wait_for(var: Path, count: int) -> None:
    """Until so many tasks have run."""
    ends = time.monotonic() + GIVE_UP_SECONDS
    while ran(var) < count:
        if time.monotonic() > ends:
            raise TimeoutError(f"{ran(var)} of {count} tasks ran")
        time.sleep(LOOK_SECONDS)


def one_task(var: Path, pid: int) -> tuple[float, float]:
    """(µs of CPU in the worker, µs to send it), with the round that it asks for and that finds nothing."""
    from delivery.queue.notices import send_notice

    ends = time.monotonic() + GIVE_UP_SECONDS
    while not ran(var) and time.monotonic() < ends:
        send_notice()  # until the worker is there
        time.sleep(1)
    time.sleep(1)
    first = ran(var)
    before = cpu_seconds(pid)
    began = time.perf_counter()
    for _ in range(TASKS):
        send_notice()
    sent = time.perf_counter() - began
    wait_for(var, first + TASKS)
    return (cpu_seconds(pid) - before) / TASKS * 1e6, sent / TASKS * 1e6


def hand_in(count: int) -> int:
    """One after the other; the last one's content."""
    from delivery.models import QueuedMessage
    from tests.support.queueing import queue

    pk = 0
    for number in range(count):
        pk = queue(f"r{number}@d{number % 20}.far.test", now=datetime.now(UTC))
    return QueuedMessage.objects.values_list("content_id", flat=True).get(pk=pk)


def hand_in_together(count: int, content_id: int) -> None:
    """Several in one commit, as the writers of busy processes have them."""
    from django.db import transaction

    from delivery.queue.enqueue import enqueue
    from delivery.queue.rows import NewQueuedMessage

    for start in range(0, count, IN_A_COMMIT):
        those = [
            NewQueuedMessage(
                content_id=content_id,
                reverse_path="alice@elsewhere.test",
                size_octets=100,
                forward_paths=[f"r{number}@d{number % 20}.far.test"],
            )
            for number in range(start, start + IN_A_COMMIT)
        ]
        with transaction.atomic():
            enqueue(those, now=datetime.now(UTC))


async def relayed(var: Path, sink: Any, count: int, act: Callable[[], Any]) -> tuple[float, int, Any]:
    """(seconds until so many more are at the sink, tasks that were run for them, what the act returned)."""
    before, began, wanted = ran(var), time.perf_counter(), len(sink.received) + count
    told = await asyncio.to_thread(act)
    async with asyncio.timeout(GIVE_UP_SECONDS), sink.arrival:
        await sink.arrival.wait_for(lambda: len(sink.received) >= wanted)
    return time.perf_counter() - began, ran(var) - before, told


async def measure(var: Path, port: int) -> list[tuple[str, str, float]]:
    """The figures, in µs."""
    async with smtp_sink(port=port) as sink:
        with worker() as process:
            cpu, sent = await asyncio.to_thread(one_task, var, process.pid)
            alone = await relayed(var, sink, MESSAGES, lambda: hand_in(MESSAGES))
            together = await relayed(var, sink, MANY, lambda: hand_in_together(MANY, alone[2]))

    def for_each(count: int, seconds: float, tasks: int) -> tuple[str, str, float]:
        what = (
            f"both for each message, {tasks} tasks for {count:,} messages at {count / seconds:.0f} messages/s"
        )
        return "task", what, (cpu + sent) * tasks / count

    return [
        ("task", "CPU of the worker for one task, with the round that it asks for", cpu),
        ("task", "sending one notice, in a thread of its own", sent),
        for_each(MESSAGES, *alone[:2]),
        for_each(MANY, *together[:2]),
    ]


def main() -> None:
    """Servers first: Django's own start wants no event loop around it."""
    port = free_port()
    with servers(port) as var:
        sys.stdout.write(json.dumps(asyncio.run(measure(var, port))))


if __name__ == "__main__":
    main()
