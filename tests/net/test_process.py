"""What a process says, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, logging, structlog
from mailhost.net import process

async def main(stopping):
    log = structlog.get_logger("test")
    log.warning("two\\nlines", peer="a\\r\\nb", count=3)
    logging.getLogger("library").warning("from a library")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")
    process.ready()
    await stopping.wait()
    if {is_stubborn}:
        log.info("lingering")
        await asyncio.Event().wait()

process.run_process(main, name="example")
"""


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_a_process_logs_lines_says_ready_and_ends_when_told(is_stubborn: bool) -> None:
    program = [sys.executable, "-c", PROGRAM.replace("{is_stubborn}", str(is_stubborn))]
    with subprocess.Popen(
        program, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(4)]
        assert "warning example: two\\nlines peer='a\\r\\nb' count=3" in lines[0]
        assert "example: from a library" in lines[1]
        assert "ZeroDivisionError" in lines[2]
        assert lines[3].endswith("example: ready\n")
        process.send_signal(signal.SIGTERM)
        assert "example: stopping" in process.stderr.readline()
        if is_stubborn:
            assert "lingering" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert "example: stopped hard" in process.stderr.readline()
        else:
            assert "example: stopped" in process.stderr.readline()
        assert process.wait(10) == int(is_stubborn)


def test_a_process_may_hold_as_many_connections_as_the_system_lets_it() -> None:
    code = (
        "import resource\n"
        "from mailhost.net.process import OPEN_FILES, raise_open_files\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))\n"
        "raise_open_files()\n"
        "soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "assert soft == (OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
