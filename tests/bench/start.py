"""From `./run` in a fresh clone, with empty caches, to `ready`; and the second start."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.table import Table
from tests.support.host import ROOT, free_port_offset, wait_until_ready

SECOND_STARTS = 3


def run(*, say: Callable[[str], None]) -> Table:
    """One table, seconds."""
    table = Table("From `./run` to `ready`", "s", is_rate=False)
    folder = Path(tempfile.mkdtemp(prefix="mailhost-bench-"))
    try:
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        table.rows.append(("first start, fresh clone, empty caches", once(clone, folder), None))
        say(f"first start: {table.rows[-1][1]:.1f} s")
        for number in range(SECOND_STARTS):
            table.rows.append((f"start number {number + 2}", once(clone, folder), None))
            say(f"start number {number + 2}: {table.rows[-1][1]:.1f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return table


def once(clone: Path, home: Path) -> float:
    """Seconds to `ready`. HOME is empty, so that no cache of ours helps."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MAILHOST_PORT_OFFSET": str(free_port_offset()),
        **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))},
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        ["python3", "run"], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_until_ready(process)
        return time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
