"""A mail host that relays to a world of this test run's own: its DNS server, its receiving SMTP server."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest

from tests.support.dns_server import DnsServer, dns_server
from tests.support.host import Host
from tests.support.servers import running
from tests.support.smtp_sink import Received, SmtpSink, smtp_sink


@dataclass
class World:
    """The mail host, and what lies around it."""

    host: Host
    dns: DnsServer
    sink: SmtpSink
    loop: asyncio.AbstractEventLoop

    def wait_for(self, count: int, *, seconds: float = 60) -> list[Received]:
        """What the receiving server got, once there are so many messages."""
        waiting = self.sink.wait_for(count, seconds=seconds)
        return asyncio.run_coroutine_threadsafe(waiting, self.loop).result(seconds + 5)

    def tls(self) -> ssl.SSLContext:
        """A client's context that believes the host's own CA and nothing else."""
        return ssl.create_default_context(cafile=self.host.demo["ca"])


@asynccontextmanager
async def outside(
    listening: socket.socket | None = None,
) -> AsyncIterator[tuple[DnsServer, SmtpSink, asyncio.AbstractEventLoop]]:
    """The test's own corner of the net: far.test and what answers for it, on a socket that is given or a new one."""
    address = "127.0.0.1" if listening is None else listening.getsockname()[0]
    async with dns_server() as dns, smtp_sink(address=address, listening=listening) as sink:
        dns.say("far.test", "MX", "10 mx.far.test.")
        dns.say("mx.far.test", "A", address)
        yield dns, sink, asyncio.get_running_loop()


@contextmanager
def a_world(listening: socket.socket | None = None, /, **variables: str) -> Iterator[World]:
    """A host that relays to it."""
    with (
        running(outside(listening)) as (dns, sink, loop),
        Host(
            MAILHOST_RELAY="direct",
            MAILHOST_RESOLVER=f"127.0.0.1:{dns.port}",
            MAILHOST_RELAY_PORT=str(sink.port),
            MAILHOST_RELAY_TO_PRIVATE="1",
            **variables,
        ) as host,
    ):
        yield World(host, dns, sink, loop)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One host for the journeys of a module; each uses addresses of its own at far.test."""
    with a_world() as made:
        yield made
