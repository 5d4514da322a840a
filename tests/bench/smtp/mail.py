"""The mail of the benchmark: every message different, half of them signed, in words that a classifier has to count."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from mailhost.protocols.dkim.signing import sign
from tests.bench.clients import LOGIN, USERS
from tests.bench.smtp.names import DOMAINS, SELECTOR, key
from tests.bench.spam_corpus import OFFERS, Prose

NETWORKS = 100
ADDRESSES = [f"127.{1 + number % NETWORKS}.0.{1 + number // NETWORKS}" for number in range(5 * NETWORKS)]
ATTACHED_FROM = 50_000  # octets: nobody writes that much, it is an attachment


class Mail:
    """Makes messages; the same ones for the same seed, but for their time."""

    def __init__(self, *, seed: int) -> None:
        self.chance = random.Random(seed)
        self.prose = Prose(self.chance)
        self.stamp = f"{seed}.{datetime.now(UTC):%H%M%S%f}"

    def message(self, number: int, octets: int, *, is_junk: bool = False) -> tuple[str, bytes]:
        """(reverse-path, message) of about so many octets, every other one signed."""
        domain = DOMAINS[number % len(DOMAINS)]
        sender = f"list-{number % 7}@{domain}"
        told = self._told(min(octets, 4096), is_junk=is_junk)
        head = (
            f"From: {domain} <{sender}>\r\nTo: <{LOGIN % (number % USERS + 1)}>\r\nSubject: {told[:40]}\r\n"
            f"Date: {format_datetime(datetime.now(UTC))}\r\nMessage-ID: <{number}.{self.stamp}@{domain}>\r\n"
            "MIME-Version: 1.0\r\n"
        )
        whole = (head + (_plain(told) if octets < ATTACHED_FROM else self._attached(told, octets))).encode()
        if number % 2:
            whole = sign(whole, domain=domain, selector=SELECTOR, key=key(), now=datetime.now(UTC)) + whole
        return sender, whole

    def _told(self, octets: int, *, is_junk: bool) -> str:
        text = ""
        while len(text) < octets - 400:
            text += self.prose.sentences(3) + "\r\n"
            if is_junk:
                text += self.chance.choice(OFFERS) + "! "
        return text

    def _attached(self, told: str, octets: int) -> str:
        line = "%s\r\n"
        rows = "".join(
            line % self.chance.randbytes(38).hex() for _ in range(max(1, (octets - len(told) - 600) // 78))
        )
        return (
            'Content-Type: multipart/mixed; boundary="=_part"\r\n\r\n'
            f"--=_part\r\n{_plain(told)}\r\n"
            "--=_part\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename=picture.jpg\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{rows}--=_part--\r\n"
        )


def _plain(told: str) -> str:
    return f"Content-Type: text/plain; charset=utf-8\r\n\r\n{told}\r\n"


def write_load(path: Path, *, octets: int, count: int, seed: int, sources: Sequence[str]) -> None:
    """Writes what load.c reads."""
    with path.open("wb") as file:
        for record in _records(octets=octets, count=count, seed=seed, sources=sources):
            file.write(record)


def _records(*, octets: int, count: int, seed: int, sources: Sequence[str]) -> Iterator[bytes]:
    mail = Mail(seed=seed)
    for number in range(count):
        sender, message = mail.message(number, octets)
        sent = message.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        head = f"{sources[number % len(sources)]} {sender} {LOGIN % (number % USERS + 1)} {len(sent)}\n"
        yield head.encode() + sent
