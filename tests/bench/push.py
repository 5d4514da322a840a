"""From the 250 after DATA to the EXISTS at an idle session."""

import statistics
import time
from collections.abc import Callable

from tests.bench.clients import LOGIN, USERS, Imap, Smtp, message
from tests.bench.peers import Peers
from tests.bench.table import Table
from tests.support.host import Host

PUSHES = 200
SETTLE_SECONDS = 0.05  # so that the session is truly idle, and the peer's notices do not pile up


def run(
    ours: Host, peers: Peers | None, *, rounds: int, messages: int, say: Callable[[str], None]
) -> list[Table]:
    """One table: median and 99th percentile, milliseconds."""
    table = Table("From the 250 after DATA to EXISTS at an idle session", "ms", is_rate=False)
    mine = measure(ours.ports, PUSHES)
    theirs = measure(peers.ports, PUSHES // 4) if peers is not None else []
    for what, part in (("median", 50), ("99th percentile", 99)):
        table.rows.append((what, percentile(mine, part), percentile(theirs, part) if theirs else None))
    say(f"push: median {statistics.median(mine):.1f} ms")
    return [table]


def measure(ports: dict[str, int], count: int) -> list[float]:
    """Milliseconds of each push. An EXISTS that comes before the 250 counts as 0."""
    smtp = Smtp(ports["smtp"])
    times = []
    for number in range(count):
        login = LOGIN % (number % USERS + 1)
        session = Imap(ports["imap"], login)
        session.say("SELECT INBOX")
        session.socket.sendall(b"t IDLE\r\n")
        session.line()
        time.sleep(SETTLE_SECONDS)
        smtp.send(login, message(number, 4096))
        accepted = time.perf_counter()
        while b"EXISTS" not in session.line():
            pass
        times.append((time.perf_counter() - accepted) * 1000)
        session.close()
    smtp.close()
    return times


def percentile(values: list[float], part: int) -> float:
    """The value that `part` percent of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * part // 100)]
