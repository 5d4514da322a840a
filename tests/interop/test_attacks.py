"""What no honest client does, against a whole host: refused with the right code, in bounded memory, and while it goes
on another session's message is taken. The peak of the serving processes is what the kernel says (VmHWM), no guess.
"""

import base64
import gzip
import os
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.interop.mail_host import ALICE, BOB, MailHost
from tests.support.transcript import Client

MB = 1 << 20
HEAD = (
    b"From: mallory@sender.test\r\nTo: alice@example.test\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@sender.test>\r\nMIME-Version: 1.0\r\n"
)
BEGIN = b"EHLO mx.sender.test\r\nMAIL FROM:<mallory@sender.test>\r\n"
RECIPIENT = f"RCPT TO:<{ALICE}>\r\n".encode()
DATA = BEGIN + RECIPIENT + b"DATA\r\n"
END = b"\r\n.\r\nQUIT\r\n"
MIXED = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
SIGNATURE = b"DKIM-Signature: v=1; a=rsa-sha256; d=sender.test; s=s; h=from%b; bh=AAAA; b=AAAA\r\n"


class Meter:
    """How much the processes that serve SMTP grew at their peaks since a moment, in octets."""

    def __init__(self, mail_host: MailHost) -> None:
        self._before = {pid: _read(pid, "VmRSS") for pid in mail_host.host.pids("smtp")}
        for pid in self._before:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is forgotten: proc(5)

    @property
    def growth(self) -> int:
        return sum(_read(pid, "VmHWM") - before for pid, before in self._before.items())


def _read(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def take_another(mail_host: MailHost) -> None:
    """Another client's message is taken meanwhile. Raises where it is not."""
    with smtplib.SMTP("127.0.0.1", mail_host.host.ports["smtp"], timeout=30) as client:
        message = b"From: ann@sender.test\r\nSubject: honest\r\n\r\nHello\r\n"
        client.sendmail("ann@sender.test", [BOB], message)


def replies(client: Client) -> Iterator[bytes]:
    with suppress(ConnectionError):
        while (line := client.read_line()) is not None:
            yield line


def attack(mail_host: MailHost, first: bytes, rest: bytes) -> bytes:
    """All replies. The other client comes between the two."""
    with Client(mail_host.host.ports["smtp"], timeout=60) as client:
        client.read_line()
        with suppress(ConnectionError):
            client.send(first)
        take_another(mail_host)
        with suppress(ConnectionError):
            client.send(rest)
        return b"\n".join(replies(client))


NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000)
)
CHAIN = b"".join(
    b"ARC-Seal: i=%d; a=rsa-sha256; cv=none; d=sender.test; s=s; b=AAAA\r\n"
    b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=sender.test; s=s; h=from; bh=AAAA; b=AAAA\r\n"
    b"ARC-Authentication-Results: i=%d; x; none\r\n" % (n, n, n)
    for n in range(1, 600)
)
MESSAGES = {
    "header fields": (b"X: y\r\n" * 100_000 + HEAD, b"554 5.6.0"),
    "header octets": (b"X: " + b"y" * 2 * MB + b"\r\n" + HEAD, b"554 5.6.0"),
    "hops": (b"Received: from a by b; c\r\n" * 101 + HEAD, b"554 5.4.6"),
    "authors": (b"From: " + b"a@b.test,\r\n " * 80_000 + b"a@b.test\r\n" + HEAD, b"250 2.0.0"),
    "comments": ((b"Authentication-Results: " + b"(" * 40_000 + b"\r\n") * 20 + HEAD, b"250 2.0.0"),
    "encoded words": (HEAD + b"Subject: " + b"=?utf-8?b?w6k=?=\r\n " * 45_000 + b"x\r\n", b"250 2.0.0"),
    "signatures": (SIGNATURE % b"" * 1_900 + HEAD, b"250 2.0.0"),
    "signed names": (SIGNATURE % (b":x" * 30_000) * 8 + HEAD, b"250 2.0.0"),
    "seals": (CHAIN + HEAD, b"250 2.0.0"),
    "nested parts": (HEAD + NESTED, b"250 2.0.0"),
    "nested messages": (HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 10_000, b"250 2.0.0"),
    "parts": (MIXED + b"--b\r\n\r\nx\r\n" * 100_000, b"250 2.0.0"),
    "parameters": (HEAD + b"Content-Type: a/b;" + b";".join(b"a*%d*=x" % n for n in range(60_000)), b"250 2.0.0"),
    "tags": (HEAD + b"Content-Type: text/html\r\n\r\n" + b'<a href="x">\r\n' * 60_000, b"250 2.0.0"),
    "NULs": (HEAD + b"\r\n" + b"\0" * MB, b"250 2.0.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_that_is_a_bomb(mail_host: MailHost, name: str) -> None:
    octets, reply = MESSAGES[name]
    meter = Meter(mail_host)
    assert reply in attack(mail_host, DATA + octets, END)
    assert meter.growth < 64 * MB


@pytest.mark.parametrize(
    ("octets", "reply", "bound"),
    [
        (b"x" * 30 * MB, b"554 5.6.0", 160 * MB),  # one line
        ((b"x" * 998 + b"\r\n") * 60_000, b"552 5.3.4", 160 * MB),  # more than SIZE tells
        (base64.encodebytes(os.urandom(20 * MB)).replace(b"\n", b"\r\n"), b"250 2.0.0", 200 * MB),
    ],
    ids=["a line", "beyond SIZE", "an attachment"],
)
def test_a_message_that_is_big(mail_host: MailHost, octets: bytes, reply: bytes, bound: int) -> None:
    meter = Meter(mail_host)
    head = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n"
    assert reply in attack(mail_host, DATA + head + octets, END)
    assert meter.growth < bound


COMMANDS = {
    "a line without end": (b"NOOP " + b"x" * 30 * MB, b"\r\nQUIT\r\n", b""),
    "NULs": (b"NOOP \0\r\n" * 10, b"QUIT\r\n", b"500 5.5.2"),
    "nothing, many times": (b"NOOP\r\n" * 50, b"NOOP\r\n" * 10_000, b"421 4.7.0"),
    "ten thousand recipients": (BEGIN + RECIPIENT * 5_000, RECIPIENT * 5_000 + b"QUIT\r\n", b"452 4.5.3"),
    "tiny chunks": (BEGIN + RECIPIENT + b"BDAT 1\r\nx" * 10_000, b"BDAT 0 LAST\r\nQUIT\r\n", b"250 2.0.0 Ok: acc"),
    "a chunk without end": (BEGIN + RECIPIENT + b"BDAT 9999999999999\r\n", b"x" * MB, b"552 5.3.4"),
    "a browser": (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + BEGIN, b"QUIT\r\n", b"421 4.7.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_are_an_attack(mail_host: MailHost, name: str) -> None:
    first, rest, reply = COMMANDS[name]
    meter = Meter(mail_host)
    assert reply in attack(mail_host, first, rest)
    assert meter.growth < 64 * MB


def test_a_report_that_is_a_bomb_is_mail_like_any_other(mail_host: MailHost) -> None:
    """It is unpacked by the worker, up to a bound (tests/protocols/dmarc), and never in the session."""
    packed = base64.encodebytes(gzip.compress(b"\0" * 256 * MB)).replace(b"\n", b"\r\n")
    head = (
        b'Content-Type: application/gzip; name="a!b.test!1!2.xml.gz"\r\n'
        b"Content-Transfer-Encoding: base64\r\nSubject: Report Domain: example.test\r\n\r\n"
    )
    meter = Meter(mail_host)
    assert b"250 2.0.0" in attack(mail_host, DATA + HEAD + head + packed, END)
    assert meter.growth < 64 * MB


SLOW_CLIENTS = 300


def test_hundreds_that_say_next_to_nothing(mail_host: MailHost) -> None:
    """Slow loris: each holds a session with half a command; what it holds is small, and others are served."""
    meter = Meter(mail_host)
    with crowd(mail_host.host.ports["smtp"]) as clients:
        for client in clients:
            client.read_line()
            client.send(DATA[:-6] + b"DA")
        for client in clients:  # all of them have been served up to there
            while not (client.read_line() or b"").startswith(b"250 2.1.5"):
                pass
        take_another(mail_host)
        assert meter.growth < SLOW_CLIENTS * 200_000
        for client in clients:
            client.send(b"T")
        take_another(mail_host)


@contextmanager
def crowd(port: int) -> Iterator[list[Client]]:
    """From many addresses: each may have fifty connections."""
    clients = [
        Client(port, source=f"127.0.67.{number % 10 + 1}", timeout=60) for number in range(SLOW_CLIENTS)
    ]
    try:
        yield clients
    finally:
        for client in clients:
            client.socket.close()
