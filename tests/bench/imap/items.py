"""The tables of `./run bench imap`."""

from collections.abc import Callable

from tests.bench.imap import mailboxes, pop3, sessions
from tests.bench.peers import Peers
from tests.bench.table import Table
from tests.support.host import Host

DEFAULT_MESSAGES = 3000  # of --messages: then the mailboxes have their full size
POP3_MESSAGES = 1_000


def run(
    ours: Host, peers: Peers | None, *, rounds: int, messages: int, say: Callable[[str], None]
) -> list[Table]:
    """Times beside Dovecot's, rates beside Dovecot's, and what is asked of us alone."""
    scale = min(1.0, messages / DEFAULT_MESSAGES)
    times = Table("IMAP and POP3, time", "ms", is_rate=False)
    say("imap: Mailhost")
    mine = _times(
        ours.ports, rounds=rounds, scale=scale, say=say, settle=lambda: ours.wait_until_at_rest("worker")
    )
    theirs = {}
    if peers is not None:
        say("imap: Dovecot")
        theirs = _times(peers.ports, rounds=rounds, scale=scale, say=say, settle=lambda: None)
    times.rows += [(name, value, theirs.get(name)) for name, value in mine.items()]
    rates = Table("IMAP, ten sessions", "a second", is_rate=True)
    mine = _rates(ours.ports, say)
    theirs = _rates(peers.ports, say) if peers is not None else {}
    rates.rows += [(name, value, theirs.get(name)) for name, value in mine.items()]
    return [times, rates, _idle(ours, scale, say)]


def _times(
    ports: dict[str, int],
    *,
    rounds: int,
    scale: float,
    say: Callable[[str], None],
    settle: Callable[[], None],
) -> mailboxes.Figures:
    figures = mailboxes.measure(ports["imap"], rounds=rounds, scale=scale, say=say, settle=settle)
    pop3.fill(ports["imap"], messages=max(10, int(POP3_MESSAGES * scale)))
    settle()
    figures["POP3: login, UIDL, LIST, 1,000 RETR"] = pop3.retrieve_all(ports["pop3"], rounds=rounds)
    return figures


def _rates(ports: dict[str, int], say: Callable[[str], None]) -> mailboxes.Figures:
    figures = {
        "APPEND of 4 KB": sessions.appends_per_second(ports["imap"]),
        "logins": sessions.logins_per_second(ports["imap"], tls=False),
        "logins, TLS": sessions.logins_per_second(ports["imaps"], tls=True),
    }
    for name, value in figures.items():
        say(f"imap {name}: {value:.0f}/s")
    return figures


def _idle(ours: Host, scale: float, say: Callable[[str], None]) -> Table:
    table = Table("IMAP, many idle sessions", "ms, KB", is_rate=False)
    count = max(10, int(sessions.IDLE_FOR_PUSH * scale))
    median, late = sessions.percentiles(sessions.push_among_idle(ours, count=count))
    table.rows.append((f"push among {count:,} idle sessions, median", median, None))
    table.rows.append((f"push among {count:,} idle sessions, 99th percentile", late, None))
    count = max(10, int(sessions.IDLE_FOR_MEMORY * scale))
    table.rows.append(
        (f"memory of one of {count:,} idle TLS sessions", sessions.idle_kilobytes(ours, count=count), None)
    )
    for what, value, _ in table.rows:
        say(f"imap {what}: {value:.1f}")
    return table
