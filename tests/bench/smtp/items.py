"""Mail from strangers with all checks on, into mailboxes; with thousands of idle connections beside it; submission.

Nothing is exempt: MAILHOST_TRUSTED_NETWORKS is empty, clients come from many addresses, every message is different and
half of them are signed. DNS lists are asked of nobody; SPF, DKIM and DMARC are, of a name server on this machine. The
peer checks none of that. Its clients come from one address, so that it is not slowed down by looking up their names.
"""

import json
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.clients import LOGIN, PASSWORD, USERS, Imap
from tests.bench.delivery import GIVE_UP_SECONDS
from tests.bench.instance import instance
from tests.bench.peers import Peers
from tests.bench.smtp.mail import ADDRESSES, Mail, write_load
from tests.bench.smtp.names import key, public_part
from tests.bench.table import Table
from tests.support.host import Host, free_port

LOADS = ((4096, 10), (4096, 50), (102_400, 10))
SUBMITTING = 10
LESSONS = 300  # of each kind
IDLE = 10_000
# Six submissions for each account are not counted: a process hashes a password once in an hour.
WARMING_UP = 6 * USERS
# All limits count; those that a benchmark of minutes would meet are wide.
WIDE = {
    f"MAILHOST_{whose}_{what}_PER_{time}": "1000000"
    for whose in ("ACCOUNT", "DOMAIN")
    for what in ("MESSAGES", "RECIPIENTS", "FIRST_RECIPIENTS")
    for time in ("HOUR", "DAY")
}

Say = Callable[[str], None]


def run(peers: Peers | None, *, rounds: int, messages: int, say: Say) -> list[Table]:
    """Rates into mailboxes, the classifier on and off, and of submission under TLS."""
    with tempfile.TemporaryDirectory(prefix="mailhost-load-") as folder:
        bench = _Bench(Path(folder), peers, rounds=rounds, messages=messages, say=say)
        return bench.run()


@dataclass
class _Span:
    """By the system's monotonic clock."""

    began: float
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class _Bench:
    def __init__(self, folder: Path, peers: Peers | None, *, rounds: int, messages: int, say: Say) -> None:
        self.folder, self.peers, self.rounds, self.messages, self.say = folder, peers, rounds, messages, say
        self.load = folder / "load"
        source = Path(__file__).with_name("load.c")
        subprocess.run(["cc", "-O2", "-pthread", "-o", self.load, source], check=True)
        self.seed = 0

    def run(self) -> list[Table]:
        taught = Table("From strangers into mailboxes, everything on", "messages/s", is_rate=True)
        untaught = Table("The same without the classifier", "messages/s", is_rate=True)
        submitted = Table("Submission into mailboxes, STARTTLS and AUTH PLAIN", "messages/s", is_rate=True)
        with self.strangers(MAILHOST_CLASSIFIER="1") as ours:
            self.say(f"Teaching the classifier {LESSONS} messages of each kind")
            self.teach(ours)
            for octets, sessions in LOADS:
                self.compare(taught, ours, octets=octets, sessions=sessions)
            self.submit(submitted, ours)
            self.beside_idle(taught, ours)
        with self.strangers(MAILHOST_CLASSIFIER="0") as ours:
            for octets, sessions in LOADS:
                self.compare(untaught, ours, octets=octets, sessions=sessions)
        return [taught, untaught, submitted]

    @contextmanager
    def strangers(self, **variables: str) -> Iterator[Host]:
        with ExitStack() as stack:
            port = free_port()
            words = [sys.executable, "-m", "tests.bench.smtp.names", str(port), public_part(key())]
            names = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE))
            stack.callback(names.kill)
            assert names.stdout is not None
            names.stdout.readline()
            yield stack.enter_context(
                instance(
                    MAILHOST_TRUSTED_NETWORKS="",
                    MAILHOST_RESOLVER=f"127.0.0.1:{port}",
                    **WIDE,
                    **variables,
                )
            )

    def teach(self, ours: Host) -> None:
        mail = Mail(seed=10_000)
        for is_junk in (False, True):
            folder = self.folder / ("junk" if is_junk else "wanted")
            folder.mkdir()
            for number in range(LESSONS):
                (folder / str(number)).write_bytes(mail.message(number, 4096, is_junk=is_junk)[1])
        ours.manage("shell", "--no-imports", "-c", TEACH.format(folder=self.folder, login=LOGIN % 1))

    def compare(self, table: Table, ours: Host, *, octets: int, sessions: int) -> None:
        count = self.messages if octets < 50_000 else self.messages // 3
        rates: list[float] = []
        peer_rates: list[float] = []
        what = f"{octets // 1024} KB, {sessions} sessions"
        for _ in range(self.rounds):
            load = self.write(octets, count, ADDRESSES)
            rates.append(self.deliver(ours.ports, load, sessions=sessions, count=count))
            if self.peers is not None:
                load = self.write(octets, count, ["127.0.0.1"])
                peer_rates.append(self.deliver(self.peers.ports, load, sessions=sessions, count=count))
            self.say(f"smtp: {what}: {rates[-1]:.0f}/s{_beside(peer_rates)}")
        table.rows.append((what, statistics.median(rates), statistics.median(peer_rates or [0]) or None))

    def write(self, octets: int, count: int, sources: Sequence[str]) -> Path:
        self.seed += 1
        path = self.folder / "messages"
        write_load(path, octets=octets, count=count, seed=self.seed, sources=sources)
        return path

    def deliver(self, ports: dict[str, int], load: Path, *, sessions: int, count: int) -> float:
        """Messages a second, from the first connection to the last message in its mailbox."""
        with self.arriving(ports, count) as span:
            words = [str(each) for each in (self.load, ports["smtp"], sessions, load)]
            told = subprocess.run(words, stdout=subprocess.PIPE, check=False).stdout
            _require_none_failed(told)
            span.began = json.loads(told)["began"]  # the file was read before: 100 MB are not mail's time
        return count / span.seconds

    @contextmanager
    def arriving(self, ports: dict[str, int], count: int) -> Iterator["_Span"]:
        """What the block hands in is waited for, also in Junk. The span begins with the block, and the block may say
        that it was later."""
        names = ("INBOX",) if self.peers is not None and ports is self.peers.ports else ("INBOX", "Junk")
        watchers = [Imap(ports["imap"], LOGIN % (number + 1)) for number in range(USERS)]

        def there() -> int:
            for watcher in watchers:  # all are asked before any is listened to
                watcher.ask_for_messages(names)
            return sum(watcher.told_messages(names) for watcher in watchers)

        wanted = there() + count
        span = _Span(time.monotonic())
        yield span
        gave_up = time.monotonic() + GIVE_UP_SECONDS
        while there() < wanted:
            if time.monotonic() > gave_up:
                raise RuntimeError("messages are missing from the mailboxes")
        span.ended = time.monotonic()
        for watcher in watchers:
            watcher.close()

    def submit(self, table: Table, ours: Host) -> None:
        if self.peers is None:
            self.say("submission is measured with --peer only: the load generator is the peer's")
            return
        rates: list[float] = []
        peer_rates: list[float] = []
        self.say(f"smtp: {WARMING_UP} submissions to warm up")
        for ports in (ours.ports, self.peers.ports):
            self.hand_over(ports, WARMING_UP)
        count = self.messages // 3
        for _ in range(self.rounds):
            rates.append(self.hand_over(ours.ports, count))
            peer_rates.append(self.hand_over(self.peers.ports, count))
            self.say(f"smtp: submission: {rates[-1]:.0f}/s{_beside(peer_rates)}")
        what = f"4 KB, {SUBMITTING} sessions"
        table.rows.append((what, statistics.median(rates), statistics.median(peer_rates)))

    def hand_over(self, ports: dict[str, int], count: int) -> float:
        """Messages submitted a second, up to the last one in its mailbox."""
        with self.arriving(ports, count) as span:
            self.hand_in(ports["submission"], count)
        return count / span.seconds

    def hand_in(self, port: int, count: int) -> None:
        assert self.peers is not None
        words = [self.peers.smtpload, "--port", port, "--messages", count, "--sessions", SUBMITTING]
        words += ["--starttls", "--user", LOGIN, "--password", PASSWORD, "--to", LOGIN]
        _require_none_failed(subprocess.run([*map(str, words)], stdout=subprocess.PIPE, check=False).stdout)

    def beside_idle(self, table: Table, ours: Host) -> None:
        """10,000 connections that have said EHLO and nothing more, from 250 addresses."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, IDLE + 2_000), most))
        with ExitStack() as stack:
            for number in range(IDLE):
                stack.enter_context(closing(_idle(ours.ports["smtp"], number)))
            self.say(f"smtp: {IDLE:,} connections are idle")
            count = self.messages
            load = self.write(4096, count, ADDRESSES)
            rate = self.deliver(ours.ports, load, sessions=10, count=count)
            table.rows.append((f"4 KB, 10 sessions, {IDLE:,} idle ones beside them", rate, None))
            self.say(f"smtp: beside them {rate:.0f}/s")


TEACH = """
from pathlib import Path
from django.utils import timezone
from mailboxes.junk.learning import learn_waiting
from mailboxes.models import Account, Mailbox, Message
from mailboxes.store.append import append, prepare
from mailboxes.store.lessons import note
from mailboxes.store.values import NewMessage
account_id = Account.objects.get(login="{login}").pk
mailbox_id = Mailbox.objects.get(account_id=account_id, name="Archive").pk
for kind in ("wanted", "junk"):
    for path in sorted(Path("{folder}", kind).iterdir()):
        now = timezone.now()
        content = prepare(path.read_bytes())
        appended = append(account_id=account_id, mailbox_id=mailbox_id, contents=[NewMessage(content)], now=now)
        messages = Message.objects.filter(mailbox_id=mailbox_id, uid__in=appended.uids)
        content_ids = list(messages.values_list("content_id", flat=True))
        note(account_id=account_id, content_ids=content_ids, is_junk=kind == "junk", now=now)
while learn_waiting(now=timezone.now()):
    pass
"""


def _idle(port: int, number: int) -> socket.socket:
    source = f"127.200.{number // 40 // 50}.{1 + number // 40 % 50}"
    session = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
    if not session.recv(512).startswith(b"220"):
        raise RuntimeError(f"idle connection {number} was not let in")
    session.sendall(b"EHLO idle.test\r\n")
    session.recv(2048)
    return session


def _require_none_failed(told: bytes) -> None:
    if json.loads(told)["failed"]:
        raise RuntimeError(f"messages were refused: {told.decode()}")


def _beside(peer_rates: Sequence[float]) -> str:
    return f", peer {peer_rates[-1]:.0f}/s" if peer_rates else ""
