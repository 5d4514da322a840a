"""Sessions that change one mailbox in any order: each client's picture, kept by what it is told, stays true."""

import random
import re
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)\r\n", re.DOTALL)
LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
COUNTED = re.compile(rb"\* (\d+) (EXISTS|RECENT|EXPUNGE)\r\n")
HOLDS_NUMBERS = (b"FETCH", b"STORE", b"SEARCH")


class Mirror:
    """A client that believes what it is told: UIDs (None: not yet known) and flags by sequence number."""

    def __init__(self, port: int, login: str, *, is_read_only: bool) -> None:
        self.client = Client(port)
        self.client.read_line()
        self.uids: list[int | None] = []
        self.flags: list[frozenset[bytes] | None] = []
        self.command(f'LOGIN {login} "correct horse"'.encode())
        self.command(b"EXAMINE INBOX" if is_read_only else b"SELECT INBOX")

    def command(self, text: bytes) -> bytes:
        """Send, take in what is told, and give the completion."""
        self.client.send(b"t " + text + b"\r\n")
        while True:
            line = self.client.read_line()
            assert line, f"closed during {text!r}"
            while literal := LITERAL.search(line):
                line = (
                    line[: literal.start()]
                    + self.client.read_octets(int(literal[1]))
                    + (self.client.read_line() or b"")
                )
            if line.startswith(b"t "):
                return line
            self.take(line, text)

    def take(self, line: bytes, command: bytes) -> None:
        if match := FETCH.fullmatch(line):
            at = int(match[1]) - 1
            assert at < len(self.uids), f"{line!r} is beyond {len(self.uids)} during {command!r}"
            if uid := re.search(rb"UID (\d+)", match[2]):
                assert self.uids[at] in (None, int(uid[1])), f"{line!r} but it was {self.uids[at]}"
                self.uids[at] = int(uid[1])
            if flags := re.search(rb"FLAGS \((.*?)\)", match[2]):
                self.flags[at] = frozenset(flags[1].split()) - {b"\\Recent"}
        elif (match := COUNTED.fullmatch(line)) and match[2] == b"EXISTS":
            grown = int(match[1]) - len(self.uids)
            assert grown >= 0, f"{line!r} but there were {len(self.uids)}"
            self.uids += [None] * grown
            self.flags += [None] * grown
        elif match and match[2] == b"EXPUNGE":
            assert not command.startswith(HOLDS_NUMBERS), f"{line!r} during {command!r}"
            del self.uids[int(match[1]) - 1], self.flags[int(match[1]) - 1]


def a_command(chance: random.Random, mirror: Mirror) -> bytes:
    """Something that a client may do now."""
    count = len(mirror.uids)
    low = chance.randint(1, max(count, 1))
    numbers = f"{low}:{chance.randint(low, max(count, 1))}".encode()
    uids = f"{chance.randint(1, 40)}:{chance.randint(1, 60)}".encode()
    flag = chance.choice([b"\\Deleted", b"\\Deleted", b"\\Seen", b"\\Flagged", b"word"])
    # No .SILENT: what a client asks not to be told, its mirror cannot know.
    how = chance.choice([b"+FLAGS", b"-FLAGS", b"FLAGS"])
    by_number = [
        b"FETCH %b (UID FLAGS)" % numbers,
        b"FETCH %b BODY[TEXT]<0.1>" % numbers,
        b"STORE %b %b (%b)" % (numbers, how, flag),
        b"COPY %b INBOX" % numbers,
        b"SEARCH %b UNSEEN" % numbers,
    ]
    other = [
        b"NOOP",
        b"EXPUNGE",
        b"UID EXPUNGE " + uids,
        b"UID STORE %b %b (%b)" % (uids, how, flag),
        b"UID MOVE %b Trash" % chance.choice([b"3", b"7,9", b"20"]),
        b"UID FETCH %b FLAGS" % uids,
        b"APPEND INBOX {12+}\r\nSubject: x\r\n",
        b"APPEND INBOX (\\Deleted) {12+}\r\nSubject: x\r\n",
    ]
    return chance.choice(by_number + other if count else other)


@examples(8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_what_clients_were_told_is_what_is_there(doors: "Doors", chance: random.Random) -> None:
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    login = new_account().login
    for _ in range(5):
        put_message(login, "first")
    mirrors = [Mirror(doors.plain, login, is_read_only=number == 2) for number in range(3)]
    for _ in range(150):
        mirror = chance.choice(mirrors)
        text = a_command(chance, mirror)
        assert not mirror.command(text).startswith(b"t BAD"), text
    for mirror in mirrors:
        mirror.command(b"NOOP")
    pictures = []
    for mirror in mirrors:
        believed = list(mirror.flags)
        mirror.command(b"FETCH 1:* (UID FLAGS)")
        for told, actual in zip(believed, mirror.flags, strict=True):
            assert told in (None, actual)
        pictures.append((mirror.uids, mirror.flags))
        mirror.client.close()
    assert pictures[0] == pictures[1] == pictures[2]
    assert pictures[0][0] == sorted(set(pictures[0][0]) - {None})  # type: ignore[type-var]
