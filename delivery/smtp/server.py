"""The listeners of the SMTP process: 25 inbound, 587 submission, 465 submission under TLS (RFC 8314), and LMTP
(RFC 2033) where a setting gives it a port."""

import asyncio
import ipaddress
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils import timezone

from delivery.acceptance import Writer
from delivery.filters.checkers.checking import configured_checkers
from delivery.guard.guarding import BANNED, Guard, configured_lists
from delivery.routing import Router
from delivery.smtp.connection import SmtpConnection
from delivery.smtp.conversation import converse
from delivery.smtp.observing import ObservationWriter
from delivery.smtp.replies import CLOSING_FAILED, CLOSING_TOO_MANY_CONNECTIONS, NOT_FOR_YOU
from delivery.smtp.session import Door, Host, Session
from delivery.smtp.tracing import TraceWriter
from delivery.submission.admissions import Admissions
from delivery.suppressing_senders import SuppressingSenders
from mailboxes.junk.site_counts import following_site
from mailboxes.known_logins import KnownLogins
from mailhost.bans.following import following
from mailhost.net import process
from mailhost.net.binding import bind
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.counted_together import LoopCounters
from mailhost.net.listeners import Bans, Listener
from mailhost.net.resolver import Resolver, parse_nameserver
from mailhost.net.shared_counts import exchanging
from mailhost.net.store_threads import close_store_threads
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.net.tls import server_context

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the doors listen; 0 is any free port, None none at all."""

    smtp: int
    submission: int
    submissions: int
    lmtp: int | None = None


def session_server(door: Door, host: Host) -> Callable[[SmtpConnection], Awaitable[None]]:
    """What serves each connection of that door."""

    async def serve(connection: SmtpConnection) -> None:
        is_over = False
        if door is Door.LMTP and not _may_use_lmtp(connection.peer):
            connection.write(NOT_FOR_YOU.encode())
            return
        session = Session(connection, door, host, id=host.new_trace_id())
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


def _may_use_lmtp(peer: str) -> bool:
    """RFC 2033 section 1: it is for a private network, between parts of one mail system."""
    return any(ipaddress.ip_address(peer) in network for network in settings.LMTP_NETWORKS)


@asynccontextmanager
async def doors(
    host: Host, *, bind_to: str, ports: Ports, is_inbound_only: bool = False
) -> AsyncIterator[Ports]:
    """All doors open, or all but those of submission; gives the ports they have. Raises PortTaken, CannotListen."""
    limits = {
        door: ConnectionLimits(
            total=settings.SMTP_MAX_CONNECTIONS,
            per_address=settings.SMTP_MAX_CONNECTIONS_PER_ADDRESS,
            trusted=settings.LMTP_NETWORKS if door is Door.LMTP else settings.TRUSTED_NETWORKS,
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

    listeners: dict[str, Listener[SmtpConnection]] = {}
    try:
        listeners["smtp"] = open_door(Door.INBOUND, ports.smtp)
        if not is_inbound_only:
            listeners["submission"] = open_door(Door.SUBMISSION, ports.submission)
        if not is_inbound_only and host.tls is not None:
            listeners["submissions"] = open_door(Door.SUBMISSION, ports.submissions, host.tls)
        if ports.lmtp is not None:
            listeners["lmtp"] = open_door(Door.LMTP, ports.lmtp)
        async with exchanging(*(each.by_address for each in limits.values())):
            opened = {name: listener.port for name, listener in listeners.items()}
            yield Ports(**{"submission": 0, "submissions": 0, **opened})
    finally:
        await asyncio.gather(*(listener.close() for listener in listeners.values()))


def new_trace_id() -> str:
    """What Received, the reply and the log call a message: 64 random bits, which are no secret.

    Not from os.urandom: that gives up the GIL, and with busy store threads it takes 50 µs to have it back.
    """
    return f"{random.getrandbits(64):016x}"


async def serve_smtp(stopping: asyncio.Event, *, is_inbound_only: bool = False) -> None:
    """The SMTP process, until it is told to stop. is_inbound_only: others take submissions."""
    writer, router, tracing, observing = Writer(), Router(), TraceWriter(), ObservationWriter()
    counters = LoopCounters()
    logins, admissions = KnownLogins(counters), Admissions(counters)
    host = Host(
        name=settings.HOSTNAME,
        tls=server_context(settings.TLS_CERT, settings.TLS_KEY),
        accept=writer.accept,
        route=router.route,
        may_send_as=router.may_send_as,
        admit=admissions.admit,
        sign_in=logins.sign_in,
        clock=timezone.now,
        new_trace_id=new_trace_id,
        resolver=Resolver(
            nameserver=parse_nameserver(settings.RESOLVER), look_up_seconds=settings.FILTER_DNS_SECONDS
        ),
        checkers=configured_checkers(),
        trace=tracing.note if settings.TRACE_DAYS else lambda noted: None,
        observe=observing.note if settings.DMARC_REPORTS else None,
        suppressing=SuppressingSenders(clock=timezone.now),
    )
    ports = Ports(
        smtp=settings.PORTS["smtp"],
        submission=settings.PORTS["submission"],
        submissions=settings.PORTS["submissions"],
        lmtp=settings.LMTP_PORT or None,
    )
    try:
        async with following() as bans, following_site() as host.junk:
            host.guard = Guard(bans, host.resolver, configured_lists())
            async with doors(host, bind_to=settings.BIND, ports=ports, is_inbound_only=is_inbound_only):
                process.ready()
                await stopping.wait()
    finally:
        if host.guard is not None:
            await host.guard.close()
        await writer.close()
        await router.close()
        await logins.close()
        await admissions.close()
        await counters.close()
        await tracing.close()
        await observing.close()
        close_store_threads()
