"""`manage.py serve_pop3` as a process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from mailboxes.models import Account

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def start(folder: Path, ports: dict[str, int]) -> "subprocess.Popen[str]":
    """The process on the tests' database, with these ports."""
    from django.db import connection

    place = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{place['USER']}:{place['PASSWORD']}@/{place['NAME']}?host={place['HOST']}"
        + (f"&port={place['PORT']}" if place["PORT"] else ""),
        "MAILHOST_TLS_CERT": str(folder / "cert.pem"),
        "MAILHOST_TLS_KEY": str(folder / "key.pem"),
        **{f"MAILHOST_PORT_{name.upper()}": str(port) for name, port in ports.items()},
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve_pop3"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.endswith("pop3: ready\n"):
            return
    pytest.fail("".join(lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from django.utils import timezone

    from mailhost.net.tls import ensure_local_ca

    ensure_local_ca(tmp_path, hostnames=["localhost"], now=timezone.now())
    return tmp_path


def test_two_processes_share_the_ports_and_end_when_told(
    shared_db: None, account: "Account", folder: Path
) -> None:
    ports = {"pop3": free_port(), "pop3s": free_port()}
    with start(folder, ports) as first, start(folder, ports) as second:
        try:
            wait_until_ready(first)
            wait_until_ready(second)
            converse(
                ports["pop3s"],
                "S: +OK…\nC: USER {login}\nS: +OK\nC: PASS correct horse\nS: +OK 0 messages.\nC: QUIT\nS: +OK…\nS!",
                tls=True,
                login=account.login,
            )
            with Client(ports["pop3"]) as idle:
                assert (idle.read_line() or b"").startswith(b"+OK")
                for process in (first, second):
                    process.send_signal(signal.SIGTERM)
                assert first.wait(10) == second.wait(10) == 0
                assert idle.read_line() is None
        finally:
            for process in (first, second):
                process.kill()


def test_a_taken_port_and_an_absent_certificate_are_told(shared_db: None, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with start(folder, {"pop3": port, "pop3s": free_port()}) as process:
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert f"Port {port} on 127.0.0.1 is taken by another program." in errors
        assert "Traceback" not in errors
    (folder / "cert.pem").unlink()
    with start(folder, {"pop3": free_port(), "pop3s": free_port()}) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "cannot be used" in errors
