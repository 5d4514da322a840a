"""A blocking IMAP client that costs next to nothing: answers are counted, not parsed."""

import random
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from tests.bench.clients import PASSWORD

RECEIVED_AT_ONCE = 1 << 20
MESSAGE_OCTETS = 4096
APPENDED_AT_ONCE = 100  # with MULTIAPPEND
WORDS = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz", k=3 + n % 8)) for n in range(5000)]

_UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


class Client:
    """One session, signed in."""

    def __init__(self, port: int, login: str, *, tls: bool = False) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=300)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = _UNVERIFIED.wrap_socket(plain) if tls else plain
        self._buffer = bytearray(RECEIVED_AT_ONCE)
        self._number = 0
        self._has_multiappend: bool | None = None
        self.line()
        self.run(f'LOGIN "{login}" "{PASSWORD}"')

    def line(self) -> bytes:
        """One short line: a greeting, a continuation. Raises EOFError."""
        line = b""
        while not line.endswith(b"\n"):
            received = self.socket.recv(4096)
            if not received:
                raise EOFError("closed by the server")
            line += received
        return line

    def send(self, command: bytes) -> bytes:
        """Without waiting; the tag."""
        self._number += 1
        tag = b"z%d" % self._number
        self.socket.sendall(tag + b" " + command + b"\r\n")
        return tag

    def run(self, command: str | bytes) -> bytes:
        """One command, up to its completion; the last part of the answer. Raises RuntimeError, EOFError."""
        tag = self.send(command.encode() if isinstance(command, str) else command)
        mark = b"\r\n%b " % tag
        tail = b"\r\n"
        while True:
            count = self.socket.recv_into(self._buffer)
            if not count:
                raise EOFError("closed by the server")
            tail = (tail + bytes(self._buffer[max(0, count - 2048) : count]))[-2048:]
            at = tail.rfind(mark)
            if at >= 0 and tail.endswith(b"\r\n") and tail.find(b"\r\n", at + 2) == len(tail) - 2:
                if not tail.startswith(b"OK", at + len(mark)):
                    raise RuntimeError(tail[at:].decode(errors="replace"))
                return tail

    def append(self, mailbox: str, messages: Sequence[bytes]) -> None:
        """By MULTIAPPEND where the server has it."""
        if self._has_multiappend is None:
            self._has_multiappend = b"MULTIAPPEND" in self.run("CAPABILITY")
        at_once = APPENDED_AT_ONCE if self._has_multiappend else 1
        for first in range(0, len(messages), at_once):
            some = messages[first : first + at_once]
            self.run(
                b"APPEND %b" % mailbox.encode()
                + b"".join(b" {%d+}\r\n%b" % (len(text), text) for text in some)
            )

    def message_count(self, mailbox: str) -> int:
        """0 where there is no such mailbox."""
        try:
            answer = self.run(f"STATUS {mailbox} (MESSAGES)")
        except RuntimeError:
            return 0
        return int(answer.split(b"MESSAGES ", 1)[1].split(b")", 1)[0])

    def close(self) -> None:
        """Without a farewell."""
        self.socket.close()


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def message(number: int) -> bytes:
    """A repeatable message of random words, a third of them multipart.

    One in 100 has `needle42` in its subject, one in 1,000 `haystack042` in its text.
    """
    chance = random.Random(number)
    lines: list[str] = []
    left = MESSAGE_OCTETS - 500
    while left > 0:
        lines.append(" ".join(chance.choices(WORDS, k=10)))
        left -= len(lines[-1]) + 2
    lines.append(f"needle haystack{number % 1000:03d} end")
    text = "\r\n".join(lines)
    sender, name, subject = WORDS[number % 50], *[" ".join(chance.choices(WORDS, k=n)) for n in (2, 5)]
    head = (
        f"Received: from a.example.org by mx.bench.test; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        f'From: "{name}" <{sender}@example.org>\r\nTo: "{name}" <u001@bench.test>\r\n'
        f"Subject: needle{number % 100:02d} {subject}\r\nDate: Mon, {1 + number % 28} Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{number}@example.org>\r\nIn-Reply-To: <{number - 1}@example.org>\r\nMIME-Version: 1.0\r\n"
    )
    if number % 3:
        return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
    half = len(text) // 2
    return (
        f'{head}Content-Type: multipart/mixed; boundary="b{number}"\r\n\r\n--b{number}\r\n'
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text[:half]}\r\n--b{number}\r\n"
        f"Content-Type: text/html; charset=utf-8\r\nContent-Disposition: attachment; filename=a.html\r\n\r\n"
        f"{text[half:]}\r\n--b{number}--\r\n"
    ).encode()
