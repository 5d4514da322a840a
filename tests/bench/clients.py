"""Small blocking clients of the load generators."""

import socket
import time
from collections.abc import Sequence

USERS = 100
LOGIN = "u%03d@bench.test"
PASSWORD = "secret"


class Line:
    """A connection that is spoken to line by line."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def line(self) -> bytes:
        """The next line. Raises EOFError."""
        line = self.file.readline()
        if not line:
            raise EOFError("closed by the server")
        return line

    def close(self) -> None:
        """Without a farewell."""
        self.file.close()
        self.socket.close()


class Smtp(Line):
    """Hands in messages."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.reply()
        self.say(b"EHLO bench")

    def reply(self) -> None:
        """Reads one reply. Raises RuntimeError for 4xx and 5xx."""
        while (line := self.line())[3:4] == b"-":
            pass
        if line[:1] not in b"23":
            raise RuntimeError(line.decode(errors="replace"))

    def say(self, command: bytes) -> None:
        """Sends one command and reads its reply."""
        self.socket.sendall(command + b"\r\n")
        self.reply()

    def send(self, recipient: str, octets: bytes) -> None:
        """One message, accepted when this returns."""
        self.say(b"MAIL FROM:<sender@sink.test>")
        self.say(b"RCPT TO:<%s>" % recipient.encode())
        self.say(b"DATA")
        self.say(octets + b".")


class Imap(Line):
    """Signs in and looks."""

    def __init__(self, port: int, login: str) -> None:
        super().__init__(port)
        self.line()
        self.say(f'LOGIN "{login}" "{PASSWORD}"')

    def say(self, command: str) -> list[bytes]:
        """Sends one command; its lines. Raises RuntimeError where it fails."""
        self.socket.sendall(b"t " + command.encode() + b"\r\n")
        return self.answer()

    def answer(self) -> list[bytes]:
        """The lines of the reply to one command. Raises RuntimeError where it failed."""
        lines = []
        while not (line := self.line()).startswith(b"t "):
            lines.append(line)
        if not line.startswith(b"t OK"):
            raise RuntimeError(line.decode(errors="replace"))
        return lines

    def messages(self) -> int:
        """How many messages the INBOX has."""
        self.ask_for_messages(["INBOX"])
        return self.told_messages(["INBOX"])

    def ask_for_messages(self, mailboxes: Sequence[str]) -> None:
        """Sends the question, for told_messages."""
        self.socket.sendall(b"".join(b"t STATUS %s (MESSAGES)\r\n" % name.encode() for name in mailboxes))

    def told_messages(self, mailboxes: Sequence[str]) -> int:
        """How many messages these mailboxes have together."""
        lines = [line for _ in mailboxes for line in self.answer() if b"STATUS" in line]
        return sum(int(line.rsplit(b"MESSAGES ", 1)[1].rstrip(b")\r\n")) for line in lines)


def message(number: int, octets: int) -> bytes:
    """A message of about so many octets, ending in CRLF."""
    head = (
        f"From: Bench <sender@sink.test>\r\nTo: <u@bench.test>\r\nSubject: load {number}\r\n"
        f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}.{time.time_ns()}@bench>\r\n\r\n"
    ).encode()
    line = b"%074d\r\n" % number
    return head + line * max(1, (octets - len(head)) // len(line))
