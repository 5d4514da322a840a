"""The SMTP doors, open on free ports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from delivery.acceptance import Writer
from delivery.routing import Router
from delivery.smtp.server import Ports, doors, new_trace_id
from delivery.smtp.session import Host
from delivery.submission.admissions import Admissions
from mailboxes.known_logins import KnownLogins
from mailhost.net.counted_together import LoopCounters
from mailhost.net.resolver import Resolver
from mailhost.net.store_threads import close_store_threads
from mailhost.net.tls import ensure_local_ca, server_context


@dataclass
class Doors:
    """The host behind the doors, and where they are."""

    host: Host
    ports: Ports


@asynccontextmanager
async def open_doors(folder: Path, *, resolver: Resolver | None = None) -> AsyncIterator[Doors]:
    certificate = ensure_local_ca(folder, hostnames=["localhost", "127.0.0.1"], now=datetime.now(UTC))
    writer, router, counters = Writer(), Router(), LoopCounters()
    logins, admissions = KnownLogins(counters), Admissions(counters)
    host = Host(
        name="mx.example.test",
        tls=server_context(certificate.cert, certificate.key),
        accept=writer.accept,
        route=router.route,
        may_send_as=router.may_send_as,
        admit=admissions.admit,
        sign_in=logins.sign_in,
        clock=lambda: datetime.now(UTC),
        new_trace_id=new_trace_id,
        resolver=resolver,
    )
    async with doors(host, bind_to="127.0.0.1", ports=Ports(0, 0, 0, lmtp=0)) as ports:
        yield Doors(host, ports)
    await writer.close()
    await router.close()
    await logins.close()
    await admissions.close()
    await counters.close()
    close_store_threads()
