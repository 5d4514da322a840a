"""The IMAP process: listeners on 143 (STARTTLS) and 993 (TLS), and what their sessions share."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from django.conf import settings

from mailboxes.imap.account_sessions import AccountSessions
from mailboxes.imap.arriving import Arriving
from mailboxes.imap.conversation import converse
from mailboxes.imap.host import ImapHost
from mailboxes.imap.limits import from_settings
from mailboxes.imap.message_budget import MessageBudget
from mailboxes.known_logins import KnownLogins
from mailboxes.store.changes import highest_modseqs
from mailboxes.store.watching import account_marks
from mailhost.bans.following import following
from mailhost.net.announcements import Watcher
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.counted_together import LoopCounters
from mailhost.net.listeners import Bans, listen
from mailhost.net.process import ready
from mailhost.net.shared_counts import exchanging
from mailhost.net.store_threads import close_store_threads
from mailhost.protocols.imap.responses import status_line

TOO_MANY_CONNECTIONS = status_line("*", "BYE", "Too many connections", "LIMIT")
BANNED = status_line("*", "BYE", "Your network is banned here", "UNAVAILABLE")


@asynccontextmanager
async def imap_host(*, tls: ssl.SSLContext | None) -> AsyncIterator[ImapHost]:
    """What the sessions of one process share, as the settings say."""
    watcher, arriving = Watcher(highest_modseqs, poll_accounts=account_marks), Arriving()
    counters = LoopCounters()
    logins = KnownLogins(counters)
    accounts = AccountSessions(
        at_most=settings.IMAP_MAX_SESSIONS_PER_ACCOUNT, trusted=settings.TRUSTED_NETWORKS
    )
    budget = MessageBudget(settings.IMAP_APPEND_ROOM_OCTETS, share=settings.IMAP_APPEND_ROOM_OCTETS // 2)
    await watcher.start()
    try:
        async with exchanging(accounts.by_account):
            yield ImapHost(
                limits=from_settings(),
                watcher=watcher,
                budget=budget,
                accounts=accounts,
                arriving=arriving,
                logins=logins,
                tls=tls,
                allow_plaintext_login=settings.ALLOW_PLAINTEXT_LOGIN,
                switched_off=frozenset(settings.IMAP_SWITCHED_OFF),
            )
    finally:
        await arriving.close()
        await logins.close()
        await counters.close()
        await watcher.stop()


@asynccontextmanager
async def listening(
    host: ImapHost, *, ports: Mapping[str, int], is_banned: Callable[[str], bool] = lambda peer: False
) -> AsyncIterator[dict[str, int]]:
    """Serve the ports named "imap" and "imaps" until the end of the context, which says BYE to everybody.

    Gives the ports in use (0: any free one). Raises PortTaken, CannotListen.
    """
    limits = ConnectionLimits(
        total=settings.IMAP_MAX_CONNECTIONS,
        per_address=settings.IMAP_MAX_CONNECTIONS_PER_ADDRESS,
        trusted=settings.TRUSTED_NETWORKS,
        name="imap-addresses",
    )
    in_use = {}
    async with exchanging(limits.by_address), AsyncExitStack() as listeners:
        for name, port in ports.items():
            listener = await listen(
                host=settings.BIND,
                port=port,
                serve=partial(converse, host=host),
                limits=limits,
                tls=host.tls if name == "imaps" else None,
                refusal=TOO_MANY_CONNECTIONS,
                bans=Bans(is_banned, BANNED),
            )
            listeners.push_async_callback(listener.close)
            in_use[name] = listener.port
        yield in_use


async def main(stopping: asyncio.Event, *, tls: ssl.SSLContext) -> None:
    """The imap process."""
    ports = {name: settings.PORTS[name] for name in ("imap", "imaps")}
    async with (
        following() as bans,
        imap_host(tls=tls) as host,
        listening(host, ports=ports, is_banned=bans.is_banned),
    ):
        ready()
        await stopping.wait()
    close_store_threads()
