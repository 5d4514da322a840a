"""One process for a supervisor to keep: `python -m tests.embedded.small_door MODE FOLDER PORT`.

MODE "door" listens and has a child of its own; "deaf" runs and never listens; "broken" ends at once.
"""

import signal
import socket
import subprocess
import sys


def main(mode: str, folder: str, port: str) -> None:
    if mode == "broken":
        sys.exit("no such mailbox")
    if mode == "deaf":
        sys.stderr.write("waiting for godot\n")
        sys.stderr.flush()
        signal.pause()
    subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", folder])
    with socket.create_server(("127.0.0.1", int(port))):
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:4])
