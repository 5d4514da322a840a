"""Searches that are kept up to date while sessions change a mailbox in any order: the client's results stay true."""

import random
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

ESEARCH = re.compile(rb"\* ESEARCH \(TAG \"(\w+)\"\)( UID)?(.*)\r\n")
UPDATE = re.compile(rb"(ADDTO|REMOVEFROM) \(0 ([0-9:,]+)\)")
CONTEXTS = {
    "u1": ("UID ", "UNSEEN"),
    "n1": ("", "UNSEEN"),
    "u2": ("UID ", "OR FLAGGED KEYWORD word"),
    "n2": ("", "NOT FLAGGED 1:*"),
    "u3": ("UID ", "SUBJECT x UID 3:*"),
}


def expanded(numbers: bytes) -> set[int]:
    found: set[int] = set()
    for item in numbers.split(b","):
        low, _, high = item.partition(b":")
        found.update(range(int(low), int(high or low) + 1))
    return found


class Listener:
    """Keeps results as RFC 5267 section 4.3 tells clients to, and moves sequence numbers as EXPUNGE asks."""

    def __init__(self, port: int, login: str) -> None:
        self.client = Client(port)
        self.client.read_line()
        self.results: dict[str, set[int]] = {}
        self.count = 0
        self.command(f'a LOGIN {login} "correct horse"'.encode())
        self.command(b"a SELECT INBOX")

    def command(self, text: bytes) -> bytes:
        tag = text.split()[0]
        self.client.send(text + b"\r\n")
        while not (line := self.client.read_line() or b"").startswith(tag + b" "):
            assert line, f"closed during {text!r}"
            self.take(line)
        assert line.startswith(tag + b" OK"), line
        return line

    def take(self, line: bytes) -> None:
        if match := re.fullmatch(rb"\* (\d+) EXPUNGE\r\n", line):
            gone = int(match[1])
            self.count -= 1
            for tag, (form, _) in CONTEXTS.items():
                if not form and tag in self.results:
                    assert gone not in self.results[tag], f"{line!r} before it was taken out of {tag}"
                    self.results[tag] = {number - (number > gone) for number in self.results[tag]}
        elif match := re.fullmatch(rb"\* (\d+) EXISTS\r\n", line):
            self.count = int(match[1])
        elif match := ESEARCH.fullmatch(line):
            tag = match[1].decode()
            if b" ALL " in match[3]:
                self.results[tag] = expanded(match[3].split(b" ALL ")[1])
            for update in UPDATE.finditer(match[3]):
                numbers = expanded(update[2])
                if update[1] == b"ADDTO":
                    assert not numbers & self.results[tag], line
                    assert match[2] or max(numbers) <= self.count, line
                    self.results[tag] |= numbers
                else:
                    assert numbers <= self.results[tag], line
                    self.results[tag] -= numbers

    def search(self, tag: str, options: str) -> set[int]:
        form, key = CONTEXTS[tag]
        name = tag if "UPDATE" in options else f"fresh{tag}"
        self.results[name] = set()
        self.command(f"{name} {form}SEARCH RETURN ({options}) {key}".encode())
        return self.results[name]


@pytest.mark.parametrize("seed", range(4))
def test_what_clients_keep_is_what_a_new_search_finds(doors: "Doors", login: str, seed: int) -> None:
    from tests.conversations.imap.messages import put_message

    chance = random.Random(seed)
    for _ in range(6):
        put_message(login, "x")
    listener = Listener(doors.plain, login)
    other = Listener(doors.plain, login)
    for tag in CONTEXTS:
        listener.search(tag, "UPDATE ALL")
    for step in range(120):
        session = chance.choice([listener, other])
        low = chance.randint(1, 30)
        uids = f"{low}:{low + chance.randint(0, 5)}"
        flag = chance.choice(["\\Seen", "\\Seen", "\\Flagged", "word", "\\Deleted"])
        session.command(
            chance.choice(
                [
                    f"t{step} UID STORE {uids} {chance.choice('+-')}FLAGS.SILENT ({flag})",
                    f"t{step} UID STORE {uids} {chance.choice('+-')}FLAGS ({flag})",
                    f"t{step} EXPUNGE",
                    f"t{step} NOOP",
                    f"t{step} FETCH 1:* UID",
                    f"t{step} UID MOVE {low} Trash",
                    f"t{step} UID COPY {low} INBOX",
                    f"t{step} APPEND INBOX ({chance.choice(['', flag])}) {{12+}}\r\nSubject: x\r\n",
                ]
            ).encode()
        )
        if chance.random() < 0.2:
            listener.command(b"n NOOP")
    listener.command(b"n NOOP")
    for tag in CONTEXTS:
        kept = set(listener.results[tag])
        assert kept == listener.search(tag, "ALL"), tag
    for session in (listener, other):
        session.client.close()
