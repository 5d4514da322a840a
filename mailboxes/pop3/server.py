"""POP3 sessions from greeting to end, and the listeners of the pop3 process."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from django.conf import settings

from mailboxes.pop3.commands import COMMANDS
from mailboxes.pop3.leases import Leases, renewed_leases
from mailboxes.pop3.refusals import FACTS, MISTAKES, refusal
from mailboxes.pop3.session import Session, SessionOver
from mailhost.bans.following import following
from mailhost.net import process
from mailhost.net.connection import Connection
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.listeners import Bans, listen
from mailhost.net.shared_counts import exchanging
from mailhost.net.store_threads import close_store_threads
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout
from mailhost.protocols.pop3.commands import BadCommand, parse
from mailhost.protocols.pop3.replies import ResponseCode, err, ok
from mailhost.protocols.pop3.states import is_allowed

TOO_MANY_CONNECTIONS = err("Too many connections.", ResponseCode.SYS_TEMP)
BANNED = err("Your network is banned here.", ResponseCode.SYS_PERM)


async def serve(connection: Connection, *, tls: ssl.SSLContext | None, leases: Leases) -> None:
    """One session. A client that is idle for too long is left without a word (RFC 1939 section 3)."""
    session = Session(connection, tls, leases)
    try:
        await session.send(ok(f"{settings.HOSTNAME} POP3 ready."))
        while True:
            await _serve_command(session)
    except SessionOver as over:
        await session.end(over.reply)
    except (ConnectionLost, IdleTimeout):
        pass  # no UPDATE state: marks are forgotten
    finally:
        await session.leave()


async def _serve_command(session: Session) -> None:
    """Read one line and answer it. Raises SessionOver, ConnectionLost, IdleTimeout."""
    try:
        command = parse(await session.read_line())
        if not is_allowed(command, session.state):
            raise BadCommand(f"Not in the {session.state.value} state.")
        await COMMANDS[type(command)](session, command)
    except MISTAKES as mistake:
        session.bad_commands += 1
        if session.bad_commands >= settings.POP3_MAX_BAD_COMMANDS:
            raise SessionOver(err("Too many bad commands.")) from mistake
        await session.send(refusal(mistake))
    except FACTS as fact:
        await session.send(refusal(fact))


@asynccontextmanager
async def listening(
    *,
    ports: dict[str, int],
    tls: ssl.SSLContext | None,
    is_banned: Callable[[str], bool] = lambda peer: False,
) -> AsyncIterator[dict[str, int]]:
    """Serve the ports named "pop3" and "pop3s" until the end of the context; gives those in use (0: any free one).

    Raises PortTaken, CannotListen.
    """
    limits = ConnectionLimits(
        total=settings.POP3_MAX_CONNECTIONS,
        per_address=settings.POP3_MAX_CONNECTIONS_PER_ADDRESS,
        trusted=settings.TRUSTED_NETWORKS,
        name="pop3-addresses",
    )

    in_use = {}
    async with exchanging(limits.by_address), renewed_leases() as leases, AsyncExitStack() as listeners:
        for name, port in ports.items():
            listener = await listen(
                host=settings.BIND,
                port=port,
                serve=partial(serve, tls=tls, leases=leases),
                limits=limits,
                tls=tls if name == "pop3s" else None,
                refusal=TOO_MANY_CONNECTIONS,
                bans=Bans(is_banned, BANNED),
            )
            listeners.push_async_callback(listener.close)
            in_use[name] = listener.port
        yield in_use


async def main(stopping: asyncio.Event, *, tls: ssl.SSLContext) -> None:
    """The pop3 process."""
    ports = {name: settings.PORTS[name] for name in ("pop3", "pop3s")}
    async with following() as bans, listening(ports=ports, tls=tls, is_banned=bans.is_banned):
        process.ready()
        await stopping.wait()
    close_store_threads()
