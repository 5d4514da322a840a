"""POP3: a whole session that fetches a full maildrop, message by message."""

import statistics

from tests.bench.clients import LOGIN, PASSWORD, USERS, Line
from tests.bench.imap.client import Client, message, milliseconds

LOGIN_NAME = LOGIN % USERS


def fill(imap_port: int, *, messages: int) -> None:
    """So many messages in the INBOX of the last user."""
    client = Client(imap_port, LOGIN_NAME)
    client.append("INBOX", [message(number) for number in range(client.message_count("INBOX"), messages)])
    client.close()


def retrieve_all(port: int, *, rounds: int) -> float:
    """Milliseconds of login, STAT, UIDL, LIST, RETR of all, QUIT; a median after one round that warms up."""
    _session(port)
    return statistics.median(milliseconds(lambda: _session(port)) for _ in range(rounds))


def _session(port: int) -> None:
    line = Line(port)
    line.line()

    def say(command: str, *, has_lines: bool = False) -> bytes:
        line.socket.sendall(command.encode() + b"\r\n")
        first = line.line()
        if not first.startswith(b"+OK"):
            raise RuntimeError(first.decode(errors="replace"))
        if has_lines:
            while line.line() != b".\r\n":
                pass
        return first

    say(f"USER {LOGIN_NAME}")
    say(f"PASS {PASSWORD}")
    count = int(say("STAT").split()[1])
    say("UIDL", has_lines=True)
    say("LIST", has_lines=True)
    for number in range(1, count + 1):
        say(f"RETR {number}", has_lines=True)
    say("QUIT")
    line.close()
