"""A client that drops and comes back arrives at exactly what is there, by every way that RFC 7162 gives it.

It believes what it is told, as it comes, and keeps that over its drops. It counts on from HIGHESTMODSEQ, and from the
highest MODSEQ that it saw once a command is over in which VANISHED may be told (section 3.2.10.2).
"""

import re
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.examples import examples
from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

VANISHED = re.compile(rb"\* VANISHED (?:\(EARLIER\) )?([\d:,]+)\r\n")
FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)\r\n")
HIGHEST = re.compile(rb"\[HIGHESTMODSEQ (\d+)\]")
NEXT = re.compile(rb"\[UIDNEXT (\d+)\]")
VALIDITY = re.compile(rb"\[UIDVALIDITY (\d+)\]")
EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n")
SEARCH = re.compile(rb"\* SEARCH([ \d]*)\r\n")
COUNTS = count(1)
FLAGS = st.sampled_from([b"\\Seen", b"\\Flagged", b"\\Deleted", b"\\Deleted", b"word"])
HOW = st.sampled_from([b"+FLAGS", b"-FLAGS", b"FLAGS", b"+FLAGS.SILENT", b"-FLAGS.SILENT"])
SETS = st.lists(st.tuples(st.integers(1, 14), st.integers(0, 3)), min_size=1, max_size=3).map(
    lambda runs: b",".join(b"%d:%d" % (low, low + more) for low, more in runs)
)


class Line:
    """A connection, line by line."""

    def __init__(self, port: int, login: str) -> None:
        self.client = Client(port)
        self.client.read_line()
        self.run(f'LOGIN {login} "correct horse"'.encode())

    def send(self, text: bytes) -> None:
        self.client.send(b"t " + text + b"\r\n")

    def next(self) -> bytes:
        line = self.client.read_line()
        assert line
        return line

    def run(self, text: bytes) -> list[bytes]:
        """All lines of the answer; the last one is the completion."""
        self.send(text)
        lines = [self.next()]
        while not lines[-1].startswith(b"t "):
            lines.append(self.next())
        assert lines[-1].startswith(b"t OK") or b"NONEXISTENT" in lines[-1], (text, lines[-1])
        return lines


class Cache:
    """What the client keeps: by UID its flags and mod-sequence, and how far it has heard everything."""

    def __init__(self) -> None:
        self.messages: dict[int, tuple[frozenset[bytes], int]] = {}
        self.highest = 0
        self.uid_next = 1  # below it nothing is unknown
        self.validity = 0
        self.seen = 0  # the highest MODSEQ told, which counts only when its command is over
        self.exists = 0

    def take(self, line: bytes) -> None:
        if match := VANISHED.fullmatch(line):
            for run in match[1].split(b","):
                low, _, high = run.partition(b":")
                for uid in [uid for uid in self.messages if int(low) <= uid <= int(high or low)]:
                    del self.messages[uid]
        elif match := FETCH.fullmatch(line):
            self.take_message(match[2])
        elif match := EXISTS.fullmatch(line):
            self.exists = int(match[1])

    def take_message(self, items: bytes) -> None:
        uid = int(re.search(rb"UID (\d+)", items)[1])  # type: ignore[index]
        modseq = int(re.search(rb"MODSEQ \((\d+)\)", items)[1])  # type: ignore[index]
        flags = re.search(rb"FLAGS \((.*?)\)", items)
        told = frozenset(flags[1].split()) - {b"\\Recent"} if flags else self.messages[uid][0]
        self.messages[uid] = (told, modseq)
        self.seen = max(self.seen, modseq)

    def known(self) -> bytes:
        return b",".join(b"%d" % uid for uid in sorted(self.messages)) or b"1"


class Coming(RuleBasedStateMachine):
    """One session that changes things, one that drops; `truth` looks into the store."""

    doors: "Doors"
    login: str

    def __init__(self) -> None:
        super().__init__()
        self.name = b"m%d" % next(COUNTS)
        self.writer = Line(self.doors.plain, self.login)
        self.writer.run(b"CREATE " + self.name)
        self.writer.run(b"SELECT " + self.name)
        self.line: Line | None = None
        self.cache = Cache()

    def teardown(self) -> None:
        self.writer.client.close()
        if self.line is not None:
            self.line.client.close()

    # --- the session that changes things ---------------------------------------------------------------------

    @initialize(messages=st.integers(0, 8))
    def begin(self, messages: int) -> None:
        for _ in range(messages):
            self.append()

    @rule()
    def append(self) -> None:
        self.writer.run(b"APPEND " + self.name + b" {12+}\r\nSubject: x\r\n")

    @rule(uids=SETS, how=HOW, flag=FLAGS)
    def store(self, uids: bytes, how: bytes, flag: bytes) -> None:
        self.writer.run(b"UID STORE %b %b (%b)" % (uids, how, flag))

    @rule()
    def expunge(self) -> None:
        self.writer.run(b"EXPUNGE")

    @rule(uids=SETS)
    def move(self, uids: bytes) -> None:
        self.writer.run(b"UID MOVE %b Trash" % uids)

    @rule(uids=SETS)
    def copy(self, uids: bytes) -> None:
        self.writer.run(b"UID COPY %b %b" % (uids, self.name))

    @precondition(lambda self: self.line is None)
    @rule(days=st.sampled_from([0, 1000]))
    def shorten_the_journal(self, days: int) -> None:
        """Sessions that are there look every few seconds: the journal is kept for days beyond that."""
        from django.utils import timezone

        from mailboxes.store.content import remove_expired

        self.writer.run(b"NOOP")
        remove_expired(now=timezone.now() + timedelta(days=days))

    # --- the session that drops ------------------------------------------------------------------------------

    @precondition(lambda self: self.line is not None)
    @rule(
        lines=st.integers(0, 6), text=st.sampled_from([b"NOOP", b"UID FETCH 1:* (FLAGS MODSEQ)", b"EXPUNGE"])
    )
    def drop_while_it_answers(self, lines: int, text: bytes) -> None:
        assert self.line is not None
        self.line.send(text)
        for _ in range(lines):
            line = self.line.next()
            if line.startswith(b"t "):
                break
            self.cache.take(line)
        self.drop()

    @precondition(lambda self: self.line is not None)
    @rule()
    def drop(self) -> None:
        assert self.line is not None
        self.line.client.close()
        self.line, self.cache.seen = None, 0

    @precondition(lambda self: self.line is None)
    @rule(
        way=st.sampled_from(["select", "known", "pairs", "fetch", "search"]),
        read_lines=st.none() | st.integers(0, 12),
    )
    def come_back(self, way: str, read_lines: int | None) -> None:
        self.line = Line(self.doors.plain, self.login)
        self.line.run(b"ENABLE QRESYNC")
        parameter = self.parameter(way)
        self.line.send(b"SELECT %b %b" % (self.name, parameter))
        lines: list[bytes] = []
        while read_lines is None or len(lines) < read_lines:
            lines.append(self.line.next())
            if lines[-1].startswith(b"t "):
                break
        if not (lines and lines[-1].startswith(b"t ")):
            if self.cache.validity and parameter:
                for line in lines:
                    self.cache.take(line)
            self.drop()
            return
        self.selected(lines, is_resync=bool(parameter), way=way)

    def parameter(self, way: str) -> bytes:
        cache = self.cache
        if not cache.highest or way in {"fetch", "search"}:
            return b""
        words = b"%d %d" % (cache.validity, cache.highest)
        if way == "known":
            words += b" " + cache.known()
        elif way == "pairs":
            words += b" 1:4000000"
            pairs = [*enumerate(sorted(cache.messages), start=1)][::2]
            if pairs:
                numbers = b",".join(b"%d" % number for number, _ in pairs)
                words += b" (%b %b)" % (numbers, b",".join(b"%d" % uid for _, uid in pairs))
        return b"(QRESYNC (%b))" % words

    def selected(self, lines: list[bytes], *, is_resync: bool, way: str) -> None:
        cache, line = self.cache, self.line
        assert line is not None
        for each in lines:
            cache.take(each)
        text = b"".join(lines)
        cache.validity = int(VALIDITY.search(text)[1])  # type: ignore[index]
        highest = int(HIGHEST.search(text)[1])  # type: ignore[index]
        if not is_resync and cache.highest and way == "fetch":
            self.run(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d VANISHED)" % cache.highest)
        elif not is_resync:
            self.run(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % cache.highest)
            found = SEARCH.search(b"".join(self.run(b"UID SEARCH ALL")))
            assert found
            there = {int(uid) for uid in found[1].split()}
            cache.messages = {uid: message for uid, message in cache.messages.items() if uid in there}
        cache.highest = max(cache.highest, highest, cache.seen)
        self.fetch_arrivals(int(NEXT.search(text)[1]))  # type: ignore[index]
        self.is_true()

    def run(self, text: bytes) -> list[bytes]:
        """A command in which VANISHED may be told: then everything up to the highest MODSEQ was."""
        assert self.line is not None
        lines = self.line.run(text)
        for line in lines:
            self.cache.take(line)
        if told := HIGHEST.search(lines[-1]):
            self.cache.highest = max(self.cache.highest, int(told[1]))
        if self.cache.highest:
            self.cache.highest = max(self.cache.highest, self.cache.seen)
        return lines

    def fetch_arrivals(self, uid_next: int) -> None:
        if self.cache.uid_next < uid_next or len(self.cache.messages) < self.cache.exists:
            self.run(b"UID FETCH %d:* (FLAGS MODSEQ)" % self.cache.uid_next)
        self.cache.uid_next = max(self.cache.uid_next, uid_next, *(uid + 1 for uid in self.cache.messages))

    @precondition(lambda self: self.line is not None)
    @rule(text=st.sampled_from([b"NOOP", b"CHECK", b"EXPUNGE", b"UID EXPUNGE 3:9", b"UID MOVE 5 Trash"]))
    def look(self, text: bytes) -> None:
        self.run(text)
        self.run(b"NOOP")
        self.fetch_arrivals(0)
        self.is_true()

    @precondition(lambda self: self.line is not None)
    @rule(uids=SETS, how=HOW, flag=FLAGS, condition=st.none() | st.integers(0, 30))
    def store_too(self, uids: bytes, how: bytes, flag: bytes, condition: int | None) -> None:
        modifier = b"" if condition is None else b"(UNCHANGEDSINCE %d) " % condition
        # .SILENT leaves it to the client what the flags are now: this one asks.
        self.run(b"UID STORE %b %b%b (%b)" % (uids, modifier, how.removesuffix(b".SILENT"), flag))

    @precondition(lambda self: self.line is not None and self.cache.exists > 0)
    @rule(flag=FLAGS)
    def store_by_number(self, flag: bytes) -> None:
        """VANISHED may not be told here: what is seen counts only after the next command in which it may."""
        assert self.line is not None
        for line in self.line.run(b"STORE %d +FLAGS (%b)" % (self.line_count(), flag)):
            self.cache.take(line)

    def line_count(self) -> int:
        """A sequence number that there is, however many arrivals this client has not fetched."""
        assert self.line is not None
        self.run(b"NOOP")
        self.fetch_arrivals(0)
        return max(len(self.cache.messages), 1) if self.cache.messages else self.append_one()

    def append_one(self) -> int:
        self.append()
        self.run(b"NOOP")
        self.fetch_arrivals(0)
        return 1

    def is_true(self) -> None:
        assert self.cache.messages == self.truth()

    def truth(self) -> dict[int, tuple[frozenset[bytes], int]]:
        from mailboxes.imap.flags import flag_words
        from mailboxes.models import Account
        from mailboxes.store.hierarchy import find_mailbox
        from mailboxes.store.select import load_view

        account_id = Account.objects.get(login=self.login).pk
        entry = find_mailbox(account_id=account_id, name=self.name.decode())
        view = load_view(mailbox_id=entry.mailbox_id)
        return {
            uid: (
                frozenset(flag_words(flags).split()) | {word.encode() for word in view.keywords.get(uid, ())},
                modseq,
            )
            for uid, flags, modseq in zip(view.uids, view.flags, view.modseqs, strict=True)
        }


def test_a_client_that_comes_back_arrives_at_what_is_there(doors: "Doors", login: str) -> None:
    words: dict[str, Any] = {"doors": doors, "login": login}
    # Not shrunk: a step takes milliseconds, and what fails is a run of a few dozen that can be read.
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        type("ComingToThisDoor", (Coming,), words),
        settings=examples(30, stateful_step_count=40, suppress_health_check=checks, phases=[Phase.generate]),
    )
