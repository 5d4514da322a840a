"""The whole host from start to end: it leaves no process behind, keeps its data, and lets another one be."""

import signal
import subprocess
import time

import pytest

from tests.embedded.processes import wait_until_gone
from tests.support.host import Host

STOPPED_WITHIN_SECONDS = 10.0  # what people wait for after Ctrl-C


def test_data_outlives_a_stop_and_processes_outlive_none_beside_another_host() -> None:
    with Host() as host, Host() as other:
        first = host.demo
        host.manage("add_domain", "kept.test")
        processes = host.pids("")
        assert processes

        began = time.monotonic()
        host.stop()
        assert time.monotonic() - began < STOPPED_WITHIN_SECONDS
        wait_until_gone(processes)

        host.environment["MAILHOST_PORT_OFFSET"] = str(int(host.environment["MAILHOST_PORT_OFFSET"]) + 5)
        host.start()
        assert {**host.demo, "ports": {}} == {**first, "ports": {}}
        assert host.ports != first["ports"]
        host.wait_for_port("imap")
        with pytest.raises(subprocess.CalledProcessError):
            host.manage("add_domain", "kept.test")  # it is hosted already

        processes = host.pids("")
        assert host.process is not None
        host.process.send_signal(signal.SIGKILL)
        host.process.wait()
        wait_until_gone(processes)

        assert other.demo["ca"] != first["ca"]
        other.wait_for_port("imap", seconds=1)
        assert other.manage("add_domain", "kept.test")
