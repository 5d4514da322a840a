"""Many sessions: APPEND, signing in, being idle."""

import threading
import time
from collections.abc import Callable

from tests.bench.clients import LOGIN, USERS, Smtp
from tests.bench.clients import message as letter
from tests.bench.imap.client import Client, message
from tests.bench.push import percentile
from tests.support.host import Host

SESSIONS = 10
SECONDS = 4.0
IDLE_FOR_PUSH = 1_000
IDLE_FOR_MEMORY = 5_000
PUSHES = 100
WARMING_LOGINS = 8


def appends_per_second(port: int) -> float:
    """Ten sessions, each into an INBOX of its own."""

    def work(number: int, until: float) -> int:
        client = Client(port, LOGIN % (number + 50))
        text = message(number)
        count = 0
        while time.perf_counter() < until:
            client.append("INBOX", [text])
            count += 1
        client.close()
        return count

    return _rate(work)


def logins_per_second(port: int, *, tls: bool) -> float:
    """Connect, LOGIN, LOGOUT, in ten sessions at once; every password was right lately."""

    def work(number: int, until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            client = Client(port, LOGIN % ((number + count * SESSIONS) % USERS + 1), tls=tls)
            client.run("LOGOUT")
            client.close()
            count += 1
        return count

    for number in range(USERS * WARMING_LOGINS):  # so many that every process has seen each password
        Client(port, LOGIN % (number % USERS + 1), tls=tls).close()
    return _rate(work)


def _rate(work: Callable[[int, float], int]) -> float:
    counts = [0] * SESSIONS
    until = time.perf_counter() + SECONDS

    def run(number: int) -> None:
        counts[number] = work(number, until)

    began = time.perf_counter()
    threads = [threading.Thread(target=run, args=(number,)) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def push_among_idle(ours: Host, *, count: int) -> list[float]:
    """Milliseconds from the 250 to EXISTS, while so many sessions are in IDLE."""
    held = [_idle(ours.ports["imap"], LOGIN % (number % USERS + 1)) for number in range(count)]
    smtp = Smtp(ours.ports["smtp"])
    times = []
    for number in range(PUSHES):
        session = held[number % len(held)]
        session.socket.setblocking(False)
        _discard(session)
        session.socket.setblocking(True)
        smtp.send(LOGIN % (number % USERS + 1), letter(number, 4096))
        accepted = time.perf_counter()
        while b"EXISTS" not in session.line():
            pass
        times.append((time.perf_counter() - accepted) * 1000)
    smtp.close()
    for client in held:
        client.close()
    return times


def _discard(session: Client) -> None:
    try:
        while session.socket.recv(4096):
            pass
    except BlockingIOError:
        pass


def _idle(port: int, login: str, *, tls: bool = False) -> Client:
    client = Client(port, login, tls=tls)
    client.run("SELECT INBOX")
    client.send(b"IDLE")
    client.line()
    client.__dict__.pop("_buffer")  # a megabyte that nobody reads into
    return client


def idle_kilobytes(ours: Host, *, count: int) -> float:
    """What one of so many idle TLS sessions adds to the imap processes (PSS)."""
    before = sum(map(_pss_kilobytes, ours.pids("imap")))
    held = [_idle(ours.ports["imaps"], LOGIN % (number % USERS + 1), tls=True) for number in range(count)]
    after = sum(map(_pss_kilobytes, ours.pids("imap")))
    for client in held:
        client.close()
    return (after - before) / count


def _pss_kilobytes(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def percentiles(times: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    return percentile(times, 50), percentile(times, 99)
