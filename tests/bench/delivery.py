"""SMTP to mailbox: 100 mailboxes, one message a connection, no TLS. Counts what stands in the mailboxes at the end.

With peers their load generator (in C) is used for both; without, the one here, which takes a good part of the
machine itself.
"""

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Callable

from tests.bench.clients import LOGIN, USERS, Imap, Smtp, message
from tests.bench.peers import Peers
from tests.bench.table import Table
from tests.support.host import Host

LOADS = ((4096, 1), (4096, 10), (4096, 50), (102_400, 10))
GIVE_UP_SECONDS = 120


def run(
    ours: Host, peers: Peers | None, *, rounds: int, messages: int, say: Callable[[str], None]
) -> list[Table]:
    """One table: messages a second from the first connection to the last message in its mailbox."""
    table = Table("Delivered into mailboxes", "messages/s", is_rate=True)
    for octets, sessions in LOADS:
        count = messages if octets < 50_000 else messages // 3
        count = count if sessions > 1 else count // 3
        rates: list[float] = []
        peer_rates: list[float] = []
        for number in range(rounds):
            rates.append(measure(ours.ports, peers, octets=octets, sessions=sessions, count=count))
            if peers is not None:
                peer_rates.append(measure(peers.ports, peers, octets=octets, sessions=sessions, count=count))
            say(f"delivery {octets} octets, {sessions} sessions, round {number + 1}: {rates[-1]:.0f}/s")
        table.rows.append(
            (
                f"{octets // 1024} KB, {sessions} sessions",
                statistics.median(rates),
                statistics.median(peer_rates) if peer_rates else None,
            )
        )
    return [table]


def measure(ports: dict[str, int], peers: Peers | None, *, octets: int, sessions: int, count: int) -> float:
    """Messages a second into the mailboxes."""
    watchers = [Imap(ports["imap"], LOGIN % (number + 1)) for number in range(USERS)]
    wanted = sum(watcher.messages() for watcher in watchers) + count
    began = time.perf_counter()
    if peers is not None:
        load_with(peers, ports["smtp"], octets=octets, sessions=sessions, count=count)
    else:
        load(ports["smtp"], octets=octets, sessions=sessions, count=count)
    while sum(watcher.messages() for watcher in watchers) < wanted:
        if time.perf_counter() - began > GIVE_UP_SECONDS:
            raise RuntimeError("messages are missing from the mailboxes")
    seconds = time.perf_counter() - began
    for watcher in watchers:
        watcher.close()
    return count / seconds


def load_with(peers: Peers, port: int, *, octets: int, sessions: int, count: int) -> None:
    """The peers' load generator."""
    words = ["--port", port, "--messages", count, "--size", octets, "--sessions", sessions, "--to", LOGIN]
    done = subprocess.run([peers.smtpload, *map(str, words)], check=True, stdout=subprocess.PIPE)
    if json.loads(done.stdout)["failed"]:
        raise RuntimeError(f"messages were refused: {done.stdout.decode()}")


def load(port: int, *, octets: int, sessions: int, count: int) -> None:
    """Threads that hand in one message a connection."""
    numbers = iter(range(count))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            client = Smtp(port)
            client.send(LOGIN % (number % USERS + 1), message(number, octets))
            client.say(b"QUIT")
            client.close()

    threads = [threading.Thread(target=work) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
