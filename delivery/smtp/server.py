"""The listeners of the SMTP process: 25 inbound, 587 submission, 465 submission under TLS (RFC 8314)."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils import timezone

from delivery.acceptance import Writer
from delivery.guard.guarding import BANNED, Guard, configured_lists
from delivery.routing import Router
from delivery.smtp.connection import SmtpConnection
from delivery.smtp.conversation import converse
from delivery.smtp.replies import CLOSING_FAILED, CLOSING_TOO_MANY_CONNECTIONS
from delivery.smtp.session import Door, Host, Session
from mailhost.bans.following import following
from mailhost.net import process
from mailhost.net.connection import ConnectionLost
from mailhost.net.listeners import Bans, ConnectionLimits, Listener, bind
from mailhost.net.resolver import Resolver, parse_nameserver
from mailhost.net.shared_counts import exchanging
from mailhost.net.store_threads import close_store_threads
from mailhost.net.tls import server_context

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the doors listen; 0 is any free port."""

    smtp: int
    submission: int
    submissions: int


def session_server(door: Door, host: Host) -> Callable[[SmtpConnection], Awaitable[None]]:
    """What serves each connection of that door."""

    async def serve(connection: SmtpConnection) -> None:
        is_over = False
        session = Session(connection, door, host)
        try:
            await converse(session)
            is_over = True
        except ConnectionLost:
            is_over = True
            raise
        finally:
            if session.visit is not None:
                session.visit.end()
            if not is_over:  # a mistake of ours or the end of the process: the client is to try again
                connection.write(CLOSING_FAILED.encode())

    return serve


@asynccontextmanager
async def doors(host: Host, *, bind_to: str, ports: Ports) -> AsyncIterator[Ports]:
    """All three doors open; gives the ports they have. Raises PortTaken, CannotListen."""
    trusted = settings.TRUSTED_NETWORKS
    limits = {
        door: ConnectionLimits(
            total=settings.SMTP_MAX_CONNECTIONS,
            per_address=settings.SMTP_MAX_CONNECTIONS_PER_ADDRESS,
            trusted=trusted,
            name=f"smtp-{door.name.lower()}-addresses",
        )
        for door in Door
    }

    bans = None if host.guard is None else Bans(host.guard.bans.is_banned, BANNED.reply.encode())

    def open_door(door: Door, port: int, tls: ssl.SSLContext | None = None) -> Listener[SmtpConnection]:
        return Listener(
            bind(bind_to, port),
            session_server(door, host),
            connect=SmtpConnection,
            limits=limits[door],
            tls=tls,
            refusal=CLOSING_TOO_MANY_CONNECTIONS.encode(),
            bans=bans,
        )

    listeners: list[Listener[SmtpConnection]] = []
    try:
        listeners.append(open_door(Door.INBOUND, ports.smtp))
        listeners.append(open_door(Door.SUBMISSION, ports.submission))
        if host.tls is not None:
            listeners.append(open_door(Door.SUBMISSION, ports.submissions, host.tls))
        async with exchanging(*(each.by_address for each in limits.values())):
            yield Ports(*(listener.port for listener in listeners), *[0] * (3 - len(listeners)))
    finally:
        await asyncio.gather(*(listener.close() for listener in listeners))


def new_trace_id() -> str:
    """What Received, the reply and the log call a message: 64 random bits, which are no secret.

    Not from os.urandom: that gives up the GIL, and with busy store threads it takes 50 µs to have it back.
    """
    return f"{random.getrandbits(64):016x}"


async def serve_smtp(stopping: asyncio.Event) -> None:
    """The SMTP process, until it is told to stop."""
    writer, router = Writer(), Router()
    host = Host(
        name=settings.HOSTNAME,
        tls=server_context(settings.TLS_CERT, settings.TLS_KEY),
        accept=writer.accept,
        route=router.route,
        clock=timezone.now,
        new_trace_id=new_trace_id,
        resolver=Resolver(
            nameserver=parse_nameserver(settings.RESOLVER), look_up_seconds=settings.FILTER_DNS_SECONDS
        ),
    )
    ports = Ports(*(settings.PORTS[name] for name in ("smtp", "submission", "submissions")))
    try:
        async with following() as bans:
            host.guard = Guard(bans, host.resolver, configured_lists())
            async with doors(host, bind_to=settings.BIND, ports=ports):
                process.ready()
                await stopping.wait()
    finally:
        if host.guard is not None:
            await host.guard.close()
        await writer.close()
        await router.close()
        close_store_threads()
