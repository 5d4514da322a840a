"""The supervisor keeps its children running, and takes all of them with it however it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded.processes import processes_in, wait_until_gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: run it on Linux")

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    running = []

    def start(mode: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "tests.embedded.small_host", str(tmp_path), str(port), mode]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_child_and_no_grandchild_outlives_it(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    host = start("door")
    assert line(host) == "ready"
    others = [pid for pid in processes_in(tmp_path) if pid != host.pid]
    assert len(others) == 2, "the door, found by its command line, and the door's own child"
    host.send_signal(number)
    host.communicate(timeout=10)
    wait_until_gone(others)


def test_a_child_that_was_killed_is_started_again(start: Start, tmp_path: Path, port: int) -> None:
    host = start("door")
    assert line(host) == "ready"
    children = [pid for pid in processes_in(tmp_path) if pid != host.pid]
    os.kill(min(children), signal.SIGKILL)
    assert line(host).startswith("door ended (SIGKILL); it starts again in 0.5 s.")
    wait_until_gone(children)  # also what the killed one had started
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except ConnectionRefusedError:
            assert host.poll() is None


def test_a_port_that_nobody_opens_is_named_with_the_log(start: Start, port: int) -> None:
    said = start("deaf").communicate(timeout=20)[0]
    assert f"Nothing accepts on port {port} (door)" in said
    assert "waiting for godot" in said


def test_a_door_that_ends_at_once_is_given_up_with_its_last_words(start: Start, tmp_path: Path) -> None:
    said = start("broken").communicate(timeout=20)[0]
    assert "it starts again in 1 s" in said
    assert "no such mailbox" in said
    assert not processes_in(tmp_path)
