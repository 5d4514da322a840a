"""Health checks of containers: `python -m mailhost.embedded.probe imap 143`. Exits 0 when it answers as it should.

`https PORT` asks the web server for /health/; `fresh PATH` looks whether a file was written in the last minutes;
`connected PORT` whether a process of this container holds a TCP connection to that port (Linux).
"""

import glob
import http.client
import os
import socket
import ssl
import sys
import time
from pathlib import Path

GREETINGS = {"smtp": b"220 ", "imap": b"* OK", "pop3": b"+OK"}
SECONDS = 5.0
FRESH_SECONDS = 600.0  # Celery's beat writes its schedule every three minutes


def is_greeted(port: int, greeting: bytes) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        return connection.recv(512).startswith(greeting)


def is_healthy_web(port: int) -> bool:
    """The certificate is for the world's name of this host, and this asks loopback: it is not verified."""
    context = ssl._create_unverified_context()  # noqa: S323
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)
    connection.request("GET", "/health/", headers={"Host": "localhost"})
    return connection.getresponse().status == http.client.OK


def is_fresh(path: str) -> bool:
    """Also with the endings that dbm gives to its files."""
    return any(
        time.time() - os.path.getmtime(found) < FRESH_SECONDS for found in glob.glob(glob.escape(path) + "*")
    )


def is_connected(port: int) -> bool:
    """By /proc/net/tcp: remote port in hexadecimal, and 01 for an established connection."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    return any(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def main(kind: str, where: str) -> bool:
    if kind == "fresh":
        return is_fresh(where)
    try:
        if kind == "connected":
            return is_connected(int(where))
        return is_healthy_web(int(where)) if kind == "https" else is_greeted(int(where), GREETINGS[kind])
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:3]) else 1)
