"""One SMTP connection to another host: greeting, EHLO, STARTTLS, QUIT (RFC 5321 sections 3.1, 3.2; RFC 3207)."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from delivery.certificate_verdicts import is_verified
from delivery.relay import set_up
from delivery.relay.authentication import SignInFailed, sign_in
from delivery.relay.demands import InClear
from delivery.relay.departure import Credentials
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Bounced, Deferred, Peer
from delivery.relay.sign_ins import SignIns
from delivery.relay.tls.trust import any_certificate
from delivery.relay.tls.verifying import Securing
from delivery.relay.wire import TlsFailed, Wire, WireLost
from mailhost.protocols.smtp.client import Extensions, ServerReply

SERVICE_CLOSING = (
    421  # RFC 5321 section 3.8: may come in answer to anything, and the connection closes after it
)
SLOWEST_OCTETS_PER_SECOND = 1_024  # of a line worth waiting for, after the time for one block


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each stage: RFC 5321 section 4.5.3.2; it gives none for connecting and TLS.

    `envelope` and `content` are for stages of many steps, each of which could take its own time: a server that answers
    a hundred recipients every five minutes, or reads an octet a minute, is left then.
    """

    connect: float = 30
    greeting: float = 300
    command: float = 300  # MAIL and RCPT; EHLO, RSET and STARTTLS alike
    data: float = 120
    block: float = 180
    final_dot: float = 600
    envelope: float = 1_800  # MAIL, every RCPT and DATA
    content: float = 3_600  # all blocks; a short message has less, see content_seconds()
    quit: float = 5  # nobody waits for this one

    def content_seconds(self, octets: int) -> float:
        """For a whole message of this size."""
        return min(self.content, self.block + octets / SLOWEST_OCTETS_PER_SECOND)


RFC_TIMEOUTS = Timeouts()


class ConnectFailed(Exception):
    """This host cannot be used now; `outcome` says how."""

    def __init__(self, outcome: Deferred | Bounced) -> None:
        super().__init__(outcome.reply)
        self.outcome = outcome


class RelayConnection:
    """Opened by `open_connection`; transaction.py sends messages over it, one after the other."""

    def __init__(self, wire: Wire, peer: Peer, timeouts: Timeouts) -> None:
        self.wire = wire
        self.peer = peer
        self.timeouts = timeouts
        self.extensions = Extensions()
        self.hop: NextHop | None = None
        self.securing: Securing | None = None  # what its TLS was to be; None in clear
        self.is_begun = False  # a transaction is open that RSET must end
        self.completed = 0  # transactions that came to an answer
        self.has_relayed = False  # a recipient was taken
        self._ends_at = math.inf  # of the stage, in the loop's time

    @property
    def is_usable(self) -> bool:
        """The other host has not closed it: another message can go over it."""
        return self.wire.is_open

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What is asked in the block has so many seconds altogether, however many steps it takes."""
        self._ends_at = asyncio.get_running_loop().time() + seconds
        try:
            yield
        finally:
            self._ends_at = math.inf

    def _left(self, seconds: float) -> float:
        if self._ends_at == math.inf:
            return seconds
        return min(seconds, max(0.0, self._ends_at - asyncio.get_running_loop().time()))

    async def ask(self, command: bytes, *, seconds: float) -> ServerReply:
        """The reply to one command. Raises WireLost."""
        await self.wire.write(command, seconds=lambda: self._left(seconds))
        return await self.reply(seconds=seconds)

    async def write(self, octets: bytes | memoryview) -> None:
        """Sends octets, each block within its time. Raises WireLost."""
        await self.wire.write(octets, seconds=lambda: self._left(self.timeouts.block))

    async def reply(self, *, seconds: float) -> ServerReply:
        """The next reply; after 421 the connection is of no more use. Raises WireLost."""
        unread = self.wire.unread  # several come at once where commands go in one go
        reply = unread.popleft() if unread else await self.wire.reply(seconds=self._left(seconds))
        if reply.code == SERVICE_CLOSING:
            self.wire.lose(str(reply))
        return reply

    async def quit(self) -> None:
        """Says good-bye; what comes of it does not matter."""
        if self.wire.is_open:
            try:
                await self.ask(b"QUIT\r\n", seconds=self.timeouts.quit)
            except WireLost:
                pass
        self.wire.close()

    def abort(self) -> None:
        """Drops the connection."""
        self.wire.lose("The connection was given up.")


async def open_connection(
    hop: NextHop,
    *,
    own_name: str,
    timeouts: Timeouts = RFC_TIMEOUTS,
    tls: Securing | None = None,
    wire: Wire | None = None,
    sign_ins: SignIns | None = None,
) -> RelayConnection:
    """A connection ready for MAIL, encrypted as the hop's policy asks; over `wire` where that leads there already.

    Without a policy, encrypted where that works. What the hop's departure asks for counts (TlsPolicy.under). sign_ins:
    what is known of logins, and told. Raises ConnectFailed.
    """
    tls = tls or Securing()
    own_name = hop.departure.ehlo_name or own_name
    tls = replace(tls, policy=tls.policy.under(hop.departure.demand))
    try:
        return await _open(hop, own_name=own_name, timeouts=timeouts, tls=tls, wire=wire, sign_ins=sign_ins)
    except TlsFailed as failed:
        tls.tell(hop, result=failed.result, detail=str(failed))
        if tls.policy.forbids_clear:
            text = f"{hop.host} could not be spoken to as {tls.policy.in_words} asks. {failed}"
            raise ConnectFailed(Deferred("4.7.5", text, Peer(hop.host, hop.address))) from failed
        # RFC 7435: better in clear than not at all, on a connection that the handshake has not spoilt.
        return await _open(hop, own_name=own_name, timeouts=timeouts, tls=None, sign_ins=sign_ins)


async def _open(
    hop: NextHop,
    *,
    own_name: str,
    timeouts: Timeouts,
    tls: Securing | None,
    wire: Wire | None = None,
    sign_ins: SignIns | None,
) -> RelayConnection:
    """In clear where `tls` is None. Raises ConnectFailed, TlsFailed."""
    peer = Peer(hop.host, hop.address)
    try:
        wire = wire or await Wire.open(
            hop.address, hop.port, seconds=timeouts.connect, source=hop.departure.source
        )
    except WireLost as lost:
        raise ConnectFailed(Deferred("4.4.1", str(lost), peer)) from lost
    connection = RelayConnection(wire, peer, timeouts)
    connection.hop, connection.securing = hop, tls
    try:
        if tls is not None and tls.policy.is_implicit:
            await _secure(connection, hop, tls, hello=partial(_greeted, connection, own_name))
        else:
            await _greeted(connection, own_name)
            if tls is not None and await _may_start_tls(connection, hop, tls):
                await _secure(connection, hop, tls, hello=partial(_hello, connection, own_name))
        if hop.departure.credentials is not None:
            await _sign_in_once(connection, hop, hop.departure.credentials, sign_ins)
    except WireLost as lost:
        raise ConnectFailed(Deferred("4.4.2", str(lost), peer)) from lost
    except BaseException:  # a refusal, TLS, or cancelled: nobody else has this connection yet
        wire.lose("The connection was given up.")
        raise
    return connection


async def _may_start_tls(connection: RelayConnection, hop: NextHop, tls: Securing) -> bool:
    """The server said yes to STARTTLS. Raises ConnectFailed where it did not, and a policy forbids to go on."""
    if isinstance(tls.policy.demand, InClear):
        return False
    said = ""
    if "STARTTLS" in connection.extensions:
        answer = await connection.ask(b"STARTTLS\r\n", seconds=connection.timeouts.command)
        if answer.is_positive:
            return True
        said = f" It said: {answer}"
    text = f"{hop.host} offers no encryption (STARTTLS).{said}"
    tls.tell(hop, sending_ip=connection.wire.own_address, result="starttls-not-supported", detail=text)
    if tls.policy.forbids_clear:
        text = f"{hop.host} offers no encryption (STARTTLS), which {tls.policy.in_words} asks for.{said}"
        raise ConnectFailed(Deferred("4.7.4", text, connection.peer))
    return False


async def _secure(
    connection: RelayConnection, hop: NextHop, tls: Securing, *, hello: Callable[[], Awaitable[None]]
) -> None:
    """A TLS session whose certificate is as the policy asks, and what is said first in it.

    Raises TlsFailed, ConnectFailed.
    """
    wire = connection.wire
    name = tls.server_name(hop)
    session = await wire.start_tls(any_certificate(), host=name, seconds=connection.timeouts.connect)
    verdict = tls.judge(hop, wire.shown_chain())
    connection.peer = Peer(hop.host, hop.address, session, verdict.words)
    if (refusal := verdict.refusal) is None:
        await _hello_again(hello)
        tls.tell(hop, sending_ip=wire.own_address)
        return
    tls.tell(hop, sending_ip=wire.own_address, result=refusal.result, detail=str(refusal))
    if tls.policy.forbids_clear:
        text = f"{hop.host} could not be verified as {tls.policy.in_words} asks. {refusal}"
        raise ConnectFailed(Deferred("4.7.5", text, connection.peer))
    await _hello_again(hello)


async def _sign_in_once(
    connection: RelayConnection, hop: NextHop, credentials: Credentials, sign_ins: SignIns | None
) -> None:
    """Unless others were refused lately, as is noted for them. Raises ConnectFailed, WireLost."""
    if sign_ins is None:
        failed = await _sign_in(connection, credentials)
    else:
        async with sign_ins.turn(hop):
            if refusal := sign_ins.refusal(hop):
                raise ConnectFailed(refusal)
            failed = await _sign_in(connection, credentials)
            if failed is None:
                sign_ins.note_success(hop)
            elif failed.is_refused:
                await sign_ins.note_refusal(hop, status=failed.status, said=failed.text)
    if failed is not None:
        raise ConnectFailed(Deferred(failed.status, failed.text, connection.peer))


async def _sign_in(connection: RelayConnection, credentials: Credentials) -> SignInFailed | None:
    return await sign_in(
        partial(connection.ask, seconds=connection.timeouts.command),
        extensions=connection.extensions,
        credentials=credentials,
        is_verified=is_verified(connection.peer.certificate),
    )


async def _greeted(connection: RelayConnection, own_name: str) -> None:
    greeting = await connection.wire.reply(seconds=connection.timeouts.greeting)
    if not greeting.is_positive:
        raise ConnectFailed(_refused_greeting(greeting, connection.hop, connection.peer))
    await _hello(connection, own_name)


async def _hello(connection: RelayConnection, own_name: str) -> None:
    """EHLO, or HELO to servers that do not know it (RFC 5321 section 3.2)."""
    seconds = connection.timeouts.command
    reply = await connection.ask(f"EHLO {own_name}\r\n".encode("ascii"), seconds=seconds)
    connection.extensions = Extensions.parse(reply) if reply.is_positive else Extensions()
    if reply.is_permanent:
        reply = await connection.ask(f"HELO {own_name}\r\n".encode("ascii"), seconds=seconds)
    if not reply.is_positive:
        raise ConnectFailed(Deferred("4.3.2", str(reply), connection.peer))


async def _hello_again(hello: Callable[[], Awaitable[None]]) -> None:
    """RFC 3207 section 4.2: what was said in clear is forgotten. Raises TlsFailed where nothing comes back."""
    try:
        await hello()
    except WireLost as lost:
        raise TlsFailed(str(lost)) from lost


def _refused_greeting(greeting: ServerReply, hop: NextHop | None, peer: Peer) -> Deferred | Bounced:
    """554 or 4yz: this host is not for us now (RFC 5321 section 3.1), so mail waits; 521: it never is (RFC 7504)."""
    if fault := set_up.fault(hop, greeting, peer=peer):
        return fault
    if greeting.code == set_up.NO_MAIL_HERE:
        return Bounced("5.3.2", str(greeting), peer)
    return Deferred(
        greeting.enhanced if greeting.code < 500 and greeting.enhanced else "4.3.2", str(greeting), peer
    )
