"""A whole mail host for other people's programs: nobody trusted, DNS that the test writes, every check switched on."""

import imaplib
import os
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.dns_server import DnsServer, dns_server
from tests.support.host import Host, free_port
from tests.support.needs import find_program
from tests.support.servers import running

ALICE, BOB = "alice@example.test", "bob@example.test"
BALANCER = "127.0.0.9"  # what comes from there begins with a PROXY header
ARRIVAL_SECONDS = 60.0


@dataclass
class MailHost:
    """The host, its DNS, and what arrives in its mailboxes."""

    host: Host
    dns: DnsServer
    lmtp_port: int

    @property
    def ca(self) -> str:
        """The file of the CA that signed the host's certificate."""
        return str(self.host.demo["ca"])

    @contextmanager
    def mailbox(self, login: str, name: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """Signed in, with that mailbox selected."""
        context = ssl.create_default_context(cafile=self.ca)
        port = self.host.ports["imaps"]
        client = imaplib.IMAP4_SSL("localhost", port, ssl_context=context, timeout=30)
        try:
            client.login(login, self.host.password(login))
            client.select(name)
            yield client
        finally:
            client.logout()

    def wait_for(self, login: str, subject: str, *, name: str = "INBOX") -> bytes:
        """The octets of the one message with this subject, once it is there."""
        deadline = time.monotonic() + ARRIVAL_SECONDS
        with self.mailbox(login, name) as client:
            while not (found := self.numbers(client, subject)):
                assert time.monotonic() < deadline, f"no message {subject!r} came for {login}"
                client.noop()
            assert len(found) == 1, f"{len(found)} messages {subject!r}"
            fetched = client.fetch(found[0], "(BODY.PEEK[])")[1]
            assert isinstance(fetched[0], tuple)
            return fetched[0][1]

    def count(self, login: str, subject: str, *, name: str = "INBOX") -> int:
        """How many messages with this subject are there now."""
        with self.mailbox(login, name) as client:
            return len(self.numbers(client, subject))

    @staticmethod
    def numbers(client: imaplib.IMAP4, subject: str) -> list[str]:
        """The sequence numbers of the messages with this subject."""
        return [number.decode() for number in client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()]


@contextmanager
def mail_host() -> Iterator[MailHost]:
    """Runs until the context is left."""
    lmtp_port = free_port()
    with (
        running(_dns()) as dns,
        Host(
            MAILHOST_TRUSTED_NETWORKS="",
            MAILHOST_RESOLVER=f"127.0.0.1:{dns.port}",
            MAILHOST_GREYLIST_DELAY="1",
            MAILHOST_QUEUE_TICK="1",
            MAILHOST_PROXY_NETWORKS=f"{BALANCER}/32",
            MAILHOST_PORT_LMTP=str(lmtp_port),
        ) as host,
    ):
        yield MailHost(host, dns, lmtp_port)


@asynccontextmanager
async def _dns() -> AsyncIterator[DnsServer]:
    """sender.test owns 127.0.0.1, proxied.test 198.51.100.7; nobody.test says nothing; forged.test has no client."""
    async with dns_server() as dns:
        dns.say("1.0.0.127.in-addr.arpa", "PTR", "mx.sender.test.")
        dns.say("mx.sender.test", "A", "127.0.0.1")
        dns.say("mx.sender.test", "TXT", '"v=spf1 ip4:127.0.0.1 -all"')
        dns.say("sender.test", "TXT", '"v=spf1 ip4:127.0.0.1 -all"')
        dns.say("_dmarc.sender.test", "TXT", '"v=DMARC1; p=reject"')
        dns.say("7.100.51.198.in-addr.arpa", "PTR", "mx.proxied.test.")
        dns.say("mx.proxied.test", "A", "198.51.100.7")
        dns.say("proxied.test", "TXT", '"v=spf1 ip4:198.51.100.7 -all"')
        dns.say("nobody.test", "MX", "10 mx.nobody.test.")
        dns.say("forged.test", "TXT", '"v=spf1 -all"')
        dns.say("_dmarc.forged.test", "TXT", '"v=DMARC1; p=reject"')
        yield dns


def run(
    program: str,
    *words: str,
    home: Path,
    given: str | bytes = "",
    returns: Sequence[int] = (0,),
) -> str:
    """What the program printed, both ways. Its home is the test's folder."""
    done = subprocess.run(
        [find_program(program) or program, *words],
        input=given.encode() if isinstance(given, str) else given,
        env={**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    assert done.returncode in returns, f"{program} ended with {done.returncode}:\n{said}"
    return said
