"""Listeners and the sessions behind them: one task each, counted, and told when the process ends.

Connections are accepted here rather than by `loop.create_server`, so that one over the limit costs neither a
transport nor a TLS handshake, and running out of file descriptors pauses accepting instead of spinning.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import structlog
from django.conf import settings

from mailhost.net.binding import bind
from mailhost.net.connection import Connection
from mailhost.net.connection_limits import ConnectionLimits, Network
from mailhost.net.peer_addresses import plain_address
from mailhost.net.proxy_protocol import NoProxyHeader, is_balancer, read_source, speak_for
from mailhost.net.stream.bounds import CLOSE_TIMEOUT_SECONDS, HANDSHAKE_TIMEOUT_SECONDS
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout
from mailhost.protocols.proxy import Source

log = structlog.get_logger(__name__)

Serve = Callable[[Connection], Awaitable[None]]


class AnyConnection(Protocol):
    """What a listener asks of its connections, which are asyncio protocols too. SMTP has a class of its own."""

    peer: str
    is_loopback: bool

    def shut_down(self) -> None: ...

    def abort(self) -> None: ...

    async def close(self) -> None: ...


C = TypeVar("C", bound=AnyConnection)

ACCEPTS_AT_ONCE = 64  # then the sessions get their turn
ACCEPT_PAUSE_SECONDS = 1.0  # after running out of descriptors or memory
GRACE_SECONDS = 5.0  # for commands under way when the process ends; ./run stops all within 10 s


@dataclass(frozen=True, slots=True)
class Bans:
    """Whom a listener does not let in, and what it says to them; over implicit TLS it says nothing."""

    is_banned: Callable[[str], bool]
    refusal: bytes


class Listener(Generic[C]):
    """One listening socket and its sessions. `connect` makes the protocol of each connection; see listen()."""

    def __init__(
        self,
        sock: socket.socket,
        serve: Callable[[C], Awaitable[None]],
        *,
        connect: Callable[[], C],
        limits: ConnectionLimits,
        tls: ssl.SSLContext | None,
        refusal: bytes,
        bans: "Bans | None" = None,
    ) -> None:
        self._sock = sock
        self._serve = serve
        self._connect = connect
        self._limits = limits
        self._tls = tls
        self._refusal = refusal
        self._balancers: tuple[Network, ...] = tuple(settings.PROXY_NETWORKS)
        self._bans = bans
        self._loop = asyncio.get_running_loop()
        self._sessions: dict[asyncio.Task[None], C | None] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(sock, self._accept)

    @property
    def port(self) -> int:
        """The port, also where 0 was asked for."""
        return int(self._sock.getsockname()[1])

    def _accept(self) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                sock, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("cannot accept connections", port=self.port, error=str(error))
                self._loop.remove_reader(self._sock)
                self._pause = self._loop.call_later(ACCEPT_PAUSE_SECONDS, self._accept_again)
                return
            self._admit(sock, plain_address(peer[0]))

    def _accept_again(self) -> None:
        self._loop.add_reader(self._sock, self._accept)

    def _admit(self, sock: socket.socket, address: str) -> None:
        sock.setblocking(False)
        sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # a reply of several writes waits for no ACK
        if self._balancers and is_balancer(address, self._balancers):
            self._begin(self._handed_on(sock, address))
        elif self._has_room(sock, address):
            self._begin(self._session(sock, address))

    def _has_room(self, sock: socket.socket, address: str) -> bool:
        """Counts one more connection from there, or sends it away."""
        if self._bans is not None and self._bans.is_banned(address):
            log.info("banned", port=self.port, peer=address)
            self._send_away(sock, self._bans.refusal)
            return False
        if not self._limits.admit(address):
            log.warning("too many connections", port=self.port, peer=address)
            self._send_away(sock, self._refusal)
            return False
        return True

    def _begin(self, session: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(session)
        self._sessions[task] = None
        task.add_done_callback(self._forget)

    def _send_away(self, sock: socket.socket, refusal: bytes) -> None:
        if refusal and self._tls is None:
            try:
                sock.send(refusal)  # into an empty socket buffer: it fits or the client is gone
            except OSError:
                pass
        sock.close()

    def _forget(self, task: asyncio.Task[None]) -> None:
        connection = self._sessions.pop(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        peer = connection.peer if connection is not None else ""
        log.error("session failed", port=self.port, peer=peer, exc_info=error)

    async def _handed_on(self, sock: socket.socket, balancer: str) -> None:
        """A connection by a balancer: counted, served and logged as whoever made it."""
        try:
            source = await read_source(sock)
        except NoProxyHeader as error:
            log.warning("no PROXY header", port=self.port, peer=balancer, error=str(error))
            sock.close()
            return
        except asyncio.CancelledError:
            sock.close()
            raise
        address = plain_address(source.address) if source is not None else balancer
        if self._has_room(sock, address):
            await self._session(sock, address, source)

    async def _session(self, sock: socket.socket, address: str, source: Source | None = None) -> None:
        try:
            connection = await self._open(sock)
            if connection is None:
                return
            if source is not None:
                speak_for(connection, source)
            task = asyncio.current_task()
            assert task is not None
            self._sessions[task] = connection
            try:
                await self._serve(connection)
            except (ConnectionLost, IdleTimeout):
                pass  # the door had nothing to say about it
            except asyncio.CancelledError:
                connection.abort()
                raise
            finally:
                await connection.close()
        finally:
            self._limits.release(address)

    async def _open(self, sock: socket.socket) -> C | None:
        """The connection, after its handshake where TLS is implicit; None where none came about."""
        is_tls = self._tls is not None
        connection = self._connect()
        try:
            await self._loop.connect_accepted_socket(
                lambda: cast(asyncio.BaseProtocol, connection),
                sock,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_SECONDS if is_tls else None,
                ssl_shutdown_timeout=CLOSE_TIMEOUT_SECONDS if is_tls else None,
            )
        except ConnectionError:  # gone before its handshake: somebody who looks whether the port is open
            sock.close()
            return None
        except OSError as error:  # covers ssl.SSLError and time-outs: scanners, mostly
            log.info("no connection came about", port=self.port, error=str(error) or type(error).__name__)
            sock.close()
            return None
        if self._sock.fileno() < 0:  # the handshake outlasted the listener
            connection.shut_down()
        return connection

    def stop_accepting(self) -> None:
        """Close the listening socket; sessions go on."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    async def close(self, *, grace: float = GRACE_SECONDS) -> None:
        """Accept no more, tell all sessions to end, and cut off those that have not after `grace` seconds."""
        self.stop_accepting()
        for connection in self._sessions.values():
            if connection is not None:
                connection.shut_down()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=grace)
        for task in list(self._sessions):
            task.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=grace)


async def listen(
    *,
    host: str,
    port: int,
    serve: Serve,
    limits: ConnectionLimits,
    tls: ssl.SSLContext | None = None,
    refusal: bytes = b"",
    bans: Bans | None = None,
) -> Listener[Connection]:
    """Serve connections to that port, with implicit TLS where a context is given.

    `serve` is called for each connection, in a task of its own, and may let ConnectionLost and IdleTimeout
    out; the connection is closed behind it. `refusal` is sent to clients over the limits, that of `bans` to those who
    are banned. Raises PortTaken, CannotListen.
    """
    return Listener(
        bind(host, port), serve, connect=Connection, limits=limits, tls=tls, refusal=refusal, bans=bans
    )
