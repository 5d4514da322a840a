"""What the POP3 door knows about one connection, and what its commands need to do their work."""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings

from mailboxes.authentication import Principal
from mailboxes.mechanisms import offered_mechanisms
from mailboxes.pop3.leases import Leases
from mailboxes.pop3.maildrop import Maildrop
from mailhost.net.connection import Connection
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.protocols.pop3.states import State

MAX_HELD_OCTETS = 64 * 1024
LINES_IN_A_ROW = 64


class SessionOver(Exception):
    """The session ends, after this last reply."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply)
        self.reply = reply


@dataclass(slots=True)
class Session:
    """One client's state. The maildrop is there in the TRANSACTION state."""

    connection: Connection
    tls: ssl.SSLContext | None
    leases: Leases
    principal: Principal | None = None  # from sign-in on
    holder: str = ""  # of the lease, from sign-in on
    has_utf8: bool = False  # UTF8 was said (RFC 6856): headers go out as they are
    user: str = ""  # what USER said, until PASS
    opened: Maildrop | None = field(default=None, repr=False)
    bad_commands: int = 0
    login_failures: int = 0
    _held: list[bytes] = field(default_factory=list, repr=False)  # replies on their way out
    _held_octets: int = 0
    _lines: int = 0

    @property
    def state(self) -> State:
        """RFC 1939 section 3."""
        return State.AUTHORIZATION if self.opened is None else State.TRANSACTION

    @property
    def maildrop(self) -> Maildrop:
        """The maildrop of a session that has signed in; the table of states lets no other ask."""
        assert self.opened is not None
        return self.opened

    @property
    def may_sign_in(self) -> bool:
        """Passwords go over TLS, or over loopback where the operator allows that (RFC 8314 section 3)."""
        return self.connection.is_tls or (settings.ALLOW_PLAINTEXT_LOGIN and self.connection.is_loopback)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What AUTH takes now."""
        return offered_mechanisms(end_points=self.connection.end_points) if self.may_sign_in else ()

    @property
    def may_start_tls(self) -> bool:
        """Whether STLS makes sense."""
        return self.tls is not None and not self.connection.is_tls and self.opened is None

    def enter(self, principal: Principal, holder: str, opened: Maildrop) -> None:
        """Signed in: the TRANSACTION state, with a lease that is renewed."""
        self.principal, self.holder, self.opened = principal, holder, opened
        self.leases.hold(principal.account_id, holder)
        # A client that vanished would hold its maildrop until autologout: let the kernel find that out.
        self.connection.probe_peer()

    async def leave(self) -> None:
        """The session is over: the next one may begin."""
        if self.opened is not None:
            self.opened.close()
        if self.principal is not None and self.holder:
            await self.leases.free(self.principal.account_id, self.holder)
            self.holder = ""

    async def read_line(self) -> bytes:
        """The client's next line. Raises what Connection.read_line raises."""
        self._lines += 1
        if not self.connection.has_line:
            await self.flush()
        elif self._lines % LINES_IN_A_ROW == 0:
            await asyncio.sleep(0)  # thousands of commands at once: others have their turn
        is_waiting_for_login = self.opened is None
        return await self.connection.read_line(
            limit=settings.POP3_MAX_LINE_OCTETS,
            timeout=settings.POP3_LOGIN_TIMEOUT_SECONDS
            if is_waiting_for_login
            else settings.POP3_AUTOLOGOUT_SECONDS,
        )

    async def send(self, octets: bytes) -> None:
        """Write, and wait until the client takes it. Raises ConnectionLost.

        Replies to a client that goes on without waiting travel together: a packet for each costs more than the rest.
        """
        self._held.append(octets)
        self._held_octets += len(octets)
        if self._held_octets >= MAX_HELD_OCTETS or not self.connection.has_line:
            await self.flush()

    async def end(self, reply: bytes) -> None:
        """The last reply, behind all others; a client that has gone already needs none."""
        self._held.append(reply)
        try:
            await self.flush()
        except ConnectionLost:
            pass

    async def flush(self) -> None:
        """Nothing is held back any more. Raises ConnectionLost."""
        if self._held:
            octets, self._held, self._held_octets = b"".join(self._held), [], 0
            self.connection.write(octets)
            await self.connection.drain()

    async def send_all(self, pieces: Iterable[bytes]) -> None:
        """The same with a reply in pieces."""
        for piece in pieces:
            await self.send(piece)
