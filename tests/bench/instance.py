"""A mail host of our own for the benchmarks: `manage.py up` with data of its own, 100 accounts, other ports."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
PORT_OFFSET = 21_000
ACCOUNTS = 100
LOGIN = "u%03d@bench.test"
PASSWORD = "secret"
READY_SECONDS = 120

ADD_ACCOUNTS = f"""
from django.db import transaction
from domains.registration import add_domain
from mailboxes.accounts import add_account
from mailhost.protocols.addresses import EmailAddress
with transaction.atomic():
    add_domain(name="bench.test", by="bench")
    for number in range(1, {ACCOUNTS} + 1):
        address = EmailAddress.parse("{LOGIN}" % number)
        add_account(address=address, password="{PASSWORD}", quota_octets=0, by="bench")
"""


class Instance:
    """Runs from `with` to its end. `ports` are by name, as in demo.json."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._folder = Path(tempfile.mkdtemp(prefix="mailhost-bench-"))
        self._process: subprocess.Popen[str] | None = None
        self.ports: dict[str, int] = {}

    def __enter__(self) -> "Instance":
        self._say("Starting Mailhost")
        environment = self._environment()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        wait_until_ready(self._process)
        self.ports = json.loads((self._folder / "demo.json").read_text())["ports"]
        subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", ADD_ACCOUNTS],
            cwd=ROOT,
            env=environment,
            check=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MAILHOST_") and name not in {"DATABASE_URL", "REDIS_URL"}
        }
        return {**kept, "MAILHOST_VAR": str(self._folder), "MAILHOST_PORT_OFFSET": str(PORT_OFFSET)}


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    """Reads what the supervisor prints up to `ready`. Raises RuntimeError where it ends before."""
    assert process.stdout is not None
    with killed_after(process, READY_SECONDS):
        for line in process.stdout:
            if line.strip() == "ready":
                return
    raise RuntimeError("the mail host did not get ready; see its log")


@contextmanager
def killed_after(process: "subprocess.Popen[str]", seconds: float) -> Iterator[None]:
    """Ends the process hard if the block takes longer."""
    timer = Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
