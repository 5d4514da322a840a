"""Postfix + Dovecot, started by scripts in a folder that is given: nothing of it is part of this project.

The folder has `peers-up`, `peers-down` (run as root) and `smtpload.c`, a load generator that is then used for both.
"""

import os
import subprocess
import tempfile
from pathlib import Path

PORTS = {"smtp": 2525, "submission": 2587, "imap": 2143, "imaps": 2993, "pop3": 2110}
SINK_PORT = 2526  # where they relay what is for sink.test


class Peers:
    """The peers' scripts and the load generator beside them."""

    def __init__(self, folder: Path) -> None:
        for name in ("peers-up", "peers-down", "smtpload.c"):
            if not (folder / name).is_file():
                raise SystemExit(f"{folder} has no {name}; --peer takes the folder with the peers' scripts.")
        if os.geteuid() != 0:
            raise SystemExit("Postfix and Dovecot are started by root only.")
        self._folder = folder.absolute()
        self.ports = PORTS
        self.smtpload = self._compile()

    def up(self) -> None:
        """Starts them with the packages' defaults, but for login processes that are used again and higher limits."""
        environment = {**os.environ, "PROFILE": "tuned"}
        subprocess.run([self._folder / "peers-up"], check=True, stdout=subprocess.DEVNULL, env=environment)

    def down(self) -> None:
        """Stops them."""
        subprocess.run([self._folder / "peers-down"], check=True, stdout=subprocess.DEVNULL)

    def _compile(self) -> Path:
        self._programs = tempfile.TemporaryDirectory(prefix="mailhost-bench-")  # goes when this object goes
        program = Path(self._programs.name) / "smtpload"
        source = self._folder / "smtpload.c"
        subprocess.run(["cc", "-O2", "-pthread", "-o", program, source, "-lssl", "-lcrypto"], check=True)
        return program
