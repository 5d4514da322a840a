"""From submission's 250 to another server: 10 sessions hand in, a sink takes, and deferred mail stands beside it.

Ours signs what leaves, with RSA and Ed25519, and keeps a trace of it; the peer does neither. Rates count from the
first session to the last message at the sink.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.bench.clients import LOGIN, PASSWORD, USERS
from tests.bench.instance import instance
from tests.bench.peers import SINK_PORT, Peers
from tests.bench.relay.sink import Sink
from tests.bench.smtp.items import WIDE
from tests.bench.table import Table
from tests.support.host import ROOT, Host, free_port

OCTETS = 4096
SESSIONS = 10
STANDING = (0, 1_000, 100_000)  # messages deferred in the queue
MANY_RECIPIENTS = 10_000
GIVE_UP_SECONDS = 300.0
# Handed in before anything is counted: six for each account, so that nearly every password was looked at in each of the
# processes, which hash it once in an hour.
WARMING_UP = 6 * USERS

Say = Callable[[str], None]


def run(peers: Peers | None, *, rounds: int, messages: int, say: Say) -> list[Table]:
    """Messages relayed a second, one worker and two; the time to take one message for 10,000 recipients."""
    relayed = Table("Relayed to a sink, STARTTLS and AUTH PLAIN at submission", "messages/s", is_rate=True)
    taken = Table("One message to 10,000 recipients, from its dot to its 250", "ms", is_rate=False)
    if peers is None:
        say("relay is measured with --peer only: the load generator is the peer's")
        return []
    _Bench(peers, rounds=rounds, messages=messages, say=say).run(relayed, taken)
    return [relayed, taken]


class _Bench:
    def __init__(self, peers: Peers, *, rounds: int, messages: int, say: Say) -> None:
        self.peers, self.rounds, self.messages, self.say = peers, rounds, messages, say
        self.sink, self.peers_sink = Sink(free_port()), Sink(SINK_PORT)

    def run(self, relayed: Table, taken: Table) -> None:
        with self.sink, self.peers_sink, self.host() as ours:
            self.say(f"relay: {WARMING_UP} messages to warm up")
            for port, sink in (
                (ours.ports["submission"], self.sink),
                (self.peers.ports["submission"], self.peers_sink),
            ):
                self.relay(port, sink, count=WARMING_UP)
            standing = 0
            for wanted in STANDING:
                self.defer(ours, wanted - standing)
                standing = wanted
                self.compare(relayed, ours, standing=standing)
            taken.rows.append(("4 KB", self.to_many(ours), None))
            self.say(f"relay: 10,000 recipients taken in {taken.rows[-1][1]:.0f} ms")
            with second_worker(ours):
                self.compare(relayed, ours, standing=standing, workers=2)

    @contextmanager
    def host(self, **variables: str) -> Iterator[Host]:
        with ExitStack() as stack:
            names_port = free_port()
            words = [sys.executable, "-m", "tests.bench.relay.names", str(names_port)]
            names = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE))
            stack.callback(names.kill)
            assert names.stdout is not None
            names.stdout.readline()
            host = stack.enter_context(
                instance(
                    MAILHOST_RESOLVER=f"127.0.0.1:{names_port}",
                    MAILHOST_RELAY="direct",
                    MAILHOST_RELAY_PORT=str(self.sink.port),
                    MAILHOST_RELAY_TO_PRIVATE="1",
                    **WIDE,
                    **variables,
                )
            )
            host.manage("shell", "--no-imports", "-c", SIGN.format(domain=LOGIN.partition("@")[2]))
            yield host

    def compare(self, table: Table, ours: Host, *, standing: int, workers: int = 1) -> None:
        rates: list[float] = []
        peer_rates: list[float] = []
        for _ in range(self.rounds):
            rates.append(self.relay(ours.ports["submission"], self.sink, count=self.messages))
            if standing == 0:
                port = self.peers.ports["submission"]
                peer_rates.append(self.relay(port, self.peers_sink, count=self.messages))
            beside = f", peer {peer_rates[-1]:.0f}/s" if peer_rates else ""
            self.say(f"relay: {standing:,} deferred: {rates[-1]:.0f}/s{beside}")
        peer_rate = statistics.median(peer_rates) if peer_rates else None
        what = f"4 KB, 10 sessions, {standing:,} deferred" + (", two workers" if workers > 1 else "")
        table.rows.append((what, statistics.median(rates), peer_rate))

    def relay(self, port: int, sink: Sink, *, count: int) -> float:
        """Messages a second."""
        began = time.perf_counter()
        self.hand_in(port, to="r%d@sink.test", count=count)
        return count / (sink.wait_for_more(count, seconds=GIVE_UP_SECONDS) - began)

    def hand_in(self, port: int, *, to: str, count: int) -> None:
        words = [self.peers.smtpload, "--port", port, "--messages", count, "--sessions", SESSIONS]
        words += ["--size", OCTETS, "--to", to, "--starttls", "--user", LOGIN, "--password", PASSWORD]
        done = subprocess.run([*map(str, words)], stdout=subprocess.PIPE, check=True)
        if json.loads(done.stdout)["failed"]:
            raise RuntimeError(f"messages were refused: {done.stdout.decode()}")

    def defer(self, ours: Host, count: int) -> None:
        """So many more messages for a domain whose server does not answer; the worker has looked at it then."""
        if count > 0:
            ours.manage("shell", "--no-imports", "-c", DEFER.format(count=count, login=LOGIN % 1))
            ours.wait_until_at_rest("worker")
            self.say(f"relay: {count:,} more messages wait for a dead domain")

    def to_many(self, ours: Host) -> float:
        """Milliseconds."""
        account = {"login": LOGIN % 1, "count": MANY_RECIPIENTS, "octets": OCTETS}
        return float(ours.manage("shell", "--no-imports", "-c", TO_MANY.format(**account)).split()[-1])


@contextmanager
def second_worker(ours: Host) -> Iterator[None]:
    """As on another machine: it knows of the first one by the database alone."""
    words = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "mailhost.celery",
        "worker",
        "--without-mingle",
        "-n",
        "second",
    ]
    with (ours.var / "log" / "worker-second.log").open("wb") as log:
        worker = subprocess.Popen(words, cwd=ROOT, env=ours.environment, stdout=log, stderr=log)
        try:
            ours.wait_until_at_rest("worker")
            yield
        finally:
            worker.terminate()
            worker.wait()


# With keys of both kinds, as if their records had been seen.
SIGN = """
from django.utils import timezone
from domains.dkim_keys import activate_key, make_keys
from domains.models import Domain
now = timezone.now()
for key in make_keys(domain=Domain.objects.get(name="{domain}"), now=now, by="bench"):
    activate_key(key=key, now=now, by="bench")
"""
# As they would come through the door; by hand, since a hundred thousand sessions take longer than what is measured.
# Vacuumed, as what has gathered over hours is: a hundred thousand at once keep autovacuum busy beside what is measured.
DEFER = """
from django.db import connection
from django.utils import timezone
from delivery.acceptance import Acceptance, accept_batch
from mailboxes.models import Account
from mailboxes.store.append import prepare
from mailhost.protocols.addresses import EmailAddress
account_id = Account.objects.get(login="{login}").pk
octets = b"From: <{login}>\\r\\nTo: <someone@dead.test>\\r\\nSubject: %d\\r\\n\\r\\n" + b"words and words\\r\\n" * 230
to = EmailAddress.parse("someone@dead.test")
for start in range(0, {count}, 500):
    batch = [
        Acceptance(octets % number, relay=(to,), reverse_path="{login}", submitted_by=account_id)
        for number in range(start, min(start + 500, {count}))
    ]
    accept_batch([(each, prepare(each.octets)) for each in batch], now=timezone.now())
with connection.cursor() as sql:
    sql.execute("VACUUM ANALYZE")
"""
TO_MANY = """
import time
from django.utils import timezone
from delivery.acceptance import Acceptance, accept_now
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
account_id = Account.objects.get(login="{login}").pk
to = tuple(EmailAddress.parse(f"r{{n}}@d{{n % 500}}.sink.test") for n in range({count}))
octets = b"From: <{login}>\\r\\nSubject: many\\r\\n\\r\\n" + b"words and words\\r\\n" * ({octets} // 17)
began = time.perf_counter()
accept_now(Acceptance(octets, relay=to, reverse_path="{login}", submitted_by=account_id), now=timezone.now())
print((time.perf_counter() - began) * 1000)
"""
