"""A network of a test's own that can be cut: a namespace behind a pair of virtual cables (Linux, root)."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.needs import find_program

CLONE_NEWNET = 0x40000000
HERE, THERE = "198.18.77.1", "198.18.77.2"  # RFC 2544: for benchmarks, routed nowhere


@dataclass(frozen=True, slots=True)
class Network:
    """`address` is at the far end; names of the namespace and of this end of the cable."""

    address: str
    namespace: str
    cable: str

    def cut(self) -> None:
        """Nothing comes through any more, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        """As before; what was lost on the way is sent again by TCP."""
        _ip("link", "set", self.cable, "up")

    def listen(self) -> socket.socket:
        """A socket that listens at the far end."""
        made: list[socket.socket] = []
        thread = threading.Thread(
            target=lambda: made.append(self._listen_there())
        )  # a namespace is a thread's
        thread.start()
        thread.join()
        return made[0]

    def _listen_there(self) -> socket.socket:
        with Path("/run/netns", self.namespace).open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "the namespace cannot be entered")
        return socket.create_server((self.address, 0), backlog=100)


def can_be_made() -> bool:
    """Whether this process may have one."""
    if os.geteuid() or find_program("ip") is None:
        return False
    made = subprocess.run([_program(), "netns", "add", "mailhost-try"], capture_output=True, check=False)
    if made.returncode:
        return False
    _ip("netns", "del", "mailhost-try")
    return True


@contextmanager
def network() -> Iterator[Network]:
    """One, for as long as the block runs."""
    number = os.getpid() % 10_000
    made = Network(THERE, f"mailhost-{number}", f"mh{number}a")
    far_end = f"mh{number}b"
    _ip("netns", "add", made.namespace)
    try:
        _ip("link", "add", made.cable, "type", "veth", "peer", "name", far_end)
        _ip("link", "set", far_end, "netns", made.namespace)
        _ip("addr", "add", f"{HERE}/30", "dev", made.cable)
        _ip("link", "set", made.cable, "up")
        _ip("-n", made.namespace, "addr", "add", f"{THERE}/30", "dev", far_end)
        _ip("-n", made.namespace, "link", "set", far_end, "up")
        yield made
    finally:
        _ip("netns", "del", made.namespace)  # and the cable with it


def _program() -> str:
    return find_program("ip") or "ip"


def _ip(*words: str) -> None:
    subprocess.run([_program(), *words], check=True, capture_output=True)
