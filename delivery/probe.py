"""Could a mail to this address leave now? The way of a message step by step, up to RCPT, with nothing sent.

Each step is told as soon as it is done, so that whoever waits sees where it takes its time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from delivery.certificate_verdicts import FAILED
from delivery.probe_policies import policies_in_words
from delivery.probe_steps import State, Step, Verdict, end, end_by, end_of, extensions_in_words
from delivery.relay import set_up
from delivery.relay.connection import ConnectFailed, RelayConnection, Timeouts, open_connection
from delivery.relay.next_hops import NextHop, Route, find_next_hops
from delivery.relay.outcome import Bounced, Deferred
from delivery.relay.sign_in_pauses import shared_sign_ins
from delivery.relay.tls.finding import FoundPolicies, TlsPolicies
from delivery.relay.tls.sessions import TlsSession
from delivery.relay.wire import WireLost
from mailhost.net.resolver import Resolver
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.client import mail_command, rcpt_command

# Somebody waits: what answers later than this is told as slow, though the queue would wait for it.
PATIENCE: Final = Timeouts(connect=10, greeting=20, command=20, quit=2)
ALL_SECONDS: Final = 60.0
MAX_HOSTS_TRIED: Final = 3
MAX_HOPS_SHOWN: Final = 6


FindRecipient = Callable[[EmailAddress], Awaitable[str | None]]
"""What this host says of an address of its own: "" that it is taken here, otherwise why not; None: it is another
host's."""
FindSuppression = Callable[[EmailAddress, str], Awaitable[str]]
"""Why nothing is sent to the address from this reverse-path's domain; "" where something is."""


@dataclass
class Probe:
    """Everything from outside comes in here, as for the worker."""

    resolver: Resolver
    route: Route
    own_name: str
    which_are_ours: Callable[[Sequence[str]], Awaitable[Collection[str]]]
    find_recipient: FindRecipient
    tls: TlsPolicies
    find_route: Callable[[str, str], Awaitable[Route]] | None = None  # by forward-path and reverse-path
    find_suppression: FindSuppression | None = None
    is_capturing: bool = False  # nothing leaves this host
    random: Random = field(default_factory=Random)
    clock: Callable[[], float] = time.monotonic
    timeouts: Timeouts = PATIENCE
    _began: float = 0.0

    async def run(self, *, forward_path: str, reverse_path: str) -> AsyncIterator[Step]:
        """The steps of a mail from the one to the other. Raises nothing that is to be expected."""
        try:
            async with asyncio.timeout(ALL_SECONDS):
                async for step in self._steps(forward_path, reverse_path):
                    yield step
        except TimeoutError:
            yield end(Verdict.WAITS, f"It took more than {ALL_SECONDS:.0f} seconds, and was broken off here.")

    async def _steps(self, forward_path: str, reverse_path: str) -> AsyncIterator[Step]:
        self._began = self.clock()
        try:
            address = EmailAddress.parse(forward_path)
        except AddressSyntaxError as error:
            yield self._step("Address", State.FAILED, f"That is no address. {error}")
            yield end(Verdict.COMES_BACK, "No mail can be written to it.")
            return
        yield self._step("Address", State.DONE, f"{address} is an address at {address.domain}.")
        said = await self.find_recipient(address)
        if said is not None:
            yield self._step("This host", State.FAILED if said else State.DONE, said or "It is hosted here.")
            yield end(
                Verdict.COMES_BACK if said else Verdict.STAYS,
                "It would be refused here."
                if said
                else "It would be delivered on this host, and go nowhere else.",
            )
            return
        if self.find_suppression and (why := await self.find_suppression(address, reverse_path)):
            yield self._step("Suppression list", State.FAILED, why)
            yield end(Verdict.COMES_BACK, "It would not be sent, and no other server be asked.")
            return
        if self.is_capturing:
            text = (
                "This host is set to let nothing leave (MAILHOST_RELAY is capture): nobody is connected to."
            )
            yield self._step("Way out", State.NOTED, text)
            yield end(Verdict.STAYS, "It would be kept on this host, for the administration to show.")
            return
        if self.find_route is not None:
            self.route = await self.find_route(str(address), reverse_path)
        hops = await find_next_hops(
            address.domain,
            resolver=self.resolver,
            route=self.route,
            random=self.random,
            which_are_ours=self.which_are_ours,
        )
        if isinstance(hops, Deferred | Bounced):
            yield self._step("Mail servers", State.FAILED, hops.reply)
            yield end_of(hops)
            return
        yield self._step("Mail servers", State.DONE, self._hops_in_words(hops))
        told: list[TlsSession] = []
        try:
            policies = await self.tls.find(
                address.domain,
                hops,
                note=told.append,
                is_smarthost=self.route.smarthost is not None,
                demand=self.route.departure.demand,
            )
        except StoreUnavailable:
            yield self._step("Policies", State.FAILED, "What is kept of them cannot be read now.")
            yield end(Verdict.WAITS, "It would wait, and be tried again.")
            return
        for state, text in policies_in_words(policies, told, validates=self.resolver.validates):
            yield self._step("Policies", state, text)
        if policies.failure is not None:
            yield end_of(policies.failure)
            return
        async for step in self._ask(policies, address, reverse_path):
            yield step

    async def _ask(
        self, policies: FoundPolicies, address: EmailAddress, reverse_path: str
    ) -> AsyncIterator[Step]:
        """The first host that answers decides. Who has refused a password lately is left alone, as by the worker."""
        failure: Deferred | Bounced | None = None
        sign_ins = await shared_sign_ins(policies.hops[:MAX_HOSTS_TRIED])
        for hop in policies.hops[:MAX_HOSTS_TRIED]:
            if failure := sign_ins.refusal(hop):
                yield self._step("Signing in", State.FAILED, f"It was not tried. {failure.reply}")
                break
            where = _where(hop)
            try:
                connection = await open_connection(
                    hop,
                    own_name=self.own_name,
                    timeouts=self.timeouts,
                    tls=policies.of(hop),
                    sign_ins=sign_ins,
                )
            except ConnectFailed as refusal:
                failure = refusal.outcome
                yield self._step("Connection", State.FAILED, f"{where}: {failure.reply}")
                continue
            try:
                yield self._step("Connection", State.DONE, f"{where} answers.")
                yield self._encryption(connection)
                yield self._step("Extensions", State.DONE, extensions_in_words(connection.extensions))
                async for step in self._envelope(connection, address, reverse_path):
                    yield step
            finally:
                connection.abort()
            return
        assert failure is not None
        yield end_of(failure)

    async def _envelope(
        self, connection: RelayConnection, address: EmailAddress, reverse_path: str
    ) -> AsyncIterator[Step]:
        needs_smtputf8 = not (str(address) + reverse_path).isascii()
        if needs_smtputf8 and "SMTPUTF8" not in connection.extensions:
            yield self._step(
                "Addresses", State.FAILED, "The server cannot handle addresses in other scripts."
            )
            yield end(Verdict.COMES_BACK, "It would come back: nobody can say this address to that server.")
            return
        mail = mail_command(
            reverse_path,
            extensions=connection.extensions,
            size_octets=1,
            is_smtputf8=needs_smtputf8,
        )
        rcpt = rcpt_command(str(address), extensions=connection.extensions)
        for name, command in (("Sender", mail), ("Recipient", rcpt)):
            try:
                reply = await connection.ask(command, seconds=self.timeouts.command)
            except WireLost as lost:
                yield self._step(name, State.FAILED, str(lost))
                yield end(Verdict.WAITS, "It would wait, and be tried again.")
                return
            said = f"{command.decode().strip()} → {reply}"
            yield self._step(name, State.DONE if reply.is_positive else State.FAILED, said)
            if not reply.is_positive:
                fault = set_up.fault(connection.hop, reply, peer=connection.peer)
                yield end_by(reply) if fault is None else end_of(fault)
                return
        await self._take_back(connection)
        yield end(
            Verdict.LEAVES, "A mail could leave now. Nothing was sent: what it says is not known before."
        )

    async def _take_back(self, connection: RelayConnection) -> None:
        try:
            await connection.ask(b"RSET\r\n", seconds=self.timeouts.quit)
        except WireLost:
            return
        await connection.quit()

    def _encryption(self, connection: RelayConnection) -> Step:
        peer = connection.peer
        if peer.tls:
            text = f"The connection is encrypted ({peer.tls}); the server's certificate: {peer.certificate}."
            is_wrong = peer.certificate.startswith(FAILED)
            return self._step("Encryption", State.NOTED if is_wrong else State.DONE, text)
        text = "The connection is not encrypted: the server does not offer it, or it failed."
        return self._step("Encryption", State.NOTED, text)

    def _hops_in_words(self, hops: Sequence[NextHop]) -> str:
        named = ", ".join(map(_where, hops[:MAX_HOPS_SHOWN]))
        begins = "All mail goes to the smarthost" if self.route.smarthost else "In this order"
        if self.route.name:
            begins = f"By the route {self.route.name}: {begins[0].lower()}{begins[1:]}".replace(
                "all mail", "it"
            )
        return f"{begins}: {named}."

    def _step(self, name: str, state: State, text: str) -> Step:
        """And the next one begins."""
        now = self.clock()
        seconds, self._began = now - self._began, now
        return Step(name, state, text, seconds)


def _where(hop: NextHop) -> str:
    return f"{hop.host} ({hop.address})" if hop.host != hop.address else hop.host
