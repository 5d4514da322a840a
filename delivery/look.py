"""One look at a claimed destination: hosts looked up, messages sent, outcomes written back, the claim released."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

import structlog
from django.conf import settings

from delivery import bounces
from delivery.local_delivery import deliver_here
from delivery.models import LOCAL
from delivery.patient_store import PatientStore
from delivery.queue import claim as claims
from delivery.queue.destination_outcomes import bounce_waiting, put_off
from delivery.queue.outcomes import Recorded
from delivery.queue.remembering import remember_connections
from delivery.queue.route_moves import note_change
from delivery.queue.values import Claim, RecipientResult
from delivery.recorder import Recorder
from delivery.relay.attempt import Attempt
from delivery.relay.budget import OctetBudget
from delivery.relay.connection import RelayConnection, Timeouts, open_connection
from delivery.relay.host_room import HostRoom
from delivery.relay.next_hops import NextHop, Route, find_next_hops
from delivery.relay.outcome import Bounced, Deferred
from delivery.relay.pace import Pace
from delivery.relay.sign_ins import SignIns
from delivery.relay.tls.finding import FoundPolicies, Note, TlsPolicies
from delivery.relay.wire import Wire
from delivery.routes.ways import IS_GONE, way_out
from delivery.supply import OUR_FAULT, Supply
from domains import lookup
from mailhost.net.resolver import Resolver
from mailhost.net.store_threads import StoreThreads, StoreUnavailable

log = structlog.get_logger(__name__)

TLS_REFUSED: Final = frozenset({"4.7.4", "4.7.5"})  # what a policy of TLS forbids comes to


@dataclass
class Look:
    """What it sends comes from its supply (supply.py)."""

    claim: Claim
    route: Route
    resolver: Resolver
    clock: Callable[[], datetime]
    random: Random
    timeouts: Timeouts
    threads: StoreThreads
    slots: asyncio.Semaphore
    budget: OctetBudget
    hosts: HostRoom
    recorder: Recorder
    sign_ins: SignIns
    tls: TlsPolicies
    note_session: Note  # of each TLS session, for the reports
    _policies: FoundPolicies | None = None
    _store: PatientStore = field(init=False)
    _supply: Supply = field(init=False)

    def __post_init__(self) -> None:
        self._store = PatientStore(self.threads, self.claim.name)
        self._supply = Supply(
            claim=self.claim,
            clock=self.clock,
            slots=self.slots,
            budget=self.budget,
            recorder=self.recorder,
            store=self._store,
            is_host_wanted=self._is_host_wanted,
            sets_aside=lambda: self._is_by_policy,
            tell=self._tell,
        )

    async def run(self) -> None:
        """All of it. Raises nothing that is to be expected."""
        try:
            await self._look()
        except asyncio.CancelledError:
            await asyncio.shield(self.threads.run(claims.give_up_claim, claim=self.claim))
            raise
        except (
            Exception
        ) as error:  # a fault of ours: mail waits and comes back in the end as for any other reason
            log.error("a look failed", destination=self.claim.name, exc_info=error)
            await self._end(failure=OUR_FAULT, was_reached=False)

    async def _look(self) -> None:
        if self.claim.name == LOCAL:
            await self._deliver_here()
            return
        if settings.RELAY == "capture":
            await self._store.run(claims.capture, claim=self.claim, now=self.clock())
            return
        if self.claim.route_id:
            self.route = await self._store.run(way_out, self.claim.route_id, base=self.route)
            if self.route.fault == IS_GONE:  # what was queued by old rules after the last pass for the change
                await self._store.run(note_change, now=self.clock())
        hops = await find_next_hops(
            self.claim.name,
            resolver=self.resolver,
            route=self.route,
            random=self.random,
            which_are_ours=self._which_are_ours,
        )
        if isinstance(hops, Deferred | Bounced):
            await self._end(failure=hops, was_reached=False)
        elif refusal := self.sign_ins.refusal(hops[0]):
            await self._end(failure=refusal, was_reached=False)
        else:
            await self._send_all(hops)

    def stop(self) -> None:
        """Nothing more is begun; what is being sent may finish."""
        self._supply.stop()

    def lose(self) -> None:
        """The claim is another's: whatever is not sent yet is theirs."""
        self._supply.lose()

    @property
    def _is_by_policy(self) -> bool:
        """What is asked of TLS is the recipients' domain's, and a message may ignore it (RFC 8689 section 3): not for a
        smarthost, nor where the route demands something.
        """
        return self.route.smarthost is None and self.route.departure.demand is None

    async def _find_policies(self, hops: Sequence[NextHop], *, tells: bool = True) -> FoundPolicies:
        """What is asked of TLS. However long the database is away: a policy that is kept there must not be missed."""
        is_told = self.route.departure.demand is None  # what goes as a route demands is no domain's business
        while True:
            try:
                return await self.tls.find(
                    self.claim.name,
                    hops,
                    note=self.note_session if tells and is_told else lambda session: None,
                    is_smarthost=self.route.smarthost is not None,
                    demand=self.route.departure.demand,
                )
            except StoreUnavailable:
                await self._store.wait()

    async def _deliver_here(self) -> None:
        """What waited for its time, into mailboxes of this host. One bad message keeps no other one back."""
        while (parcel := await self._supply.take()) is not None:
            try:
                recorded = await self._store.run(
                    deliver_here, claim=self.claim, parcel=parcel, now=self.clock(), random=self.random
                )
            except (
                Exception
            ) as error:  # a fault of ours: the others are delivered, and this one is tried again
                log.error("local delivery failed", message_id=parcel.message.message_id, exc_info=error)
                results = [RecipientResult(parcel.message, each, OUR_FAULT) for each in parcel.recipients]
                recorded = await self.recorder.write(self.claim, results)
            self._supply.written(parcel.recipients)
            if not recorded.is_own:
                self.lose()
            await self._tell(recorded)
        await self._end(failure=None, was_reached=True)

    async def _send_all(self, hops: Sequence[NextHop]) -> None:
        """As the policies of TLS ask; then what is to go whatever they ask (RFC 8689 section 4.2.2).

        Of those sessions nobody is told.
        """
        failure: Deferred | Bounced | None = None
        was_reached = False
        if await self._supply.has_parcel():
            self._policies = await self._find_policies(hops)
            failure = self._policies.failure
            if failure is None:
                failure, was_reached = await self._send(self._policies.hops)
        if self._is_by_policy and (
            self._supply.has_aside if failure is None else failure.status in TLS_REFUSED
        ):
            self._supply.turn_to_what_was_set_aside()
            self._policies = (self._policies or await self._find_policies(hops, tells=False)).waived(hops)
            other, is_there = await self._send(self._policies.hops)
            if failure is None:
                failure, was_reached = other, was_reached or is_there
        await self._end(failure=failure, was_reached=was_reached)

    async def _send(self, hops: Sequence[NextHop]) -> tuple[Deferred | Bounced | None, bool]:
        """(why no more could be sent, if so; whether a host was there)."""
        self._supply.begin()
        pace = Pace(self.claim.connections, settings.RELAY_CONNECTIONS_PER_DESTINATION)
        attempt = Attempt(
            hops=hops,
            source=self._supply,
            connect=self._connect,
            dial=self._dial,
            pace=pace,
            hosts=self.hosts,
            max_messages=settings.RELAY_MESSAGES_PER_CONNECTION,
            slots=self.slots,
            clock=self.clock,
        )
        writing = asyncio.create_task(self._supply.write_back())
        try:
            await attempt.run()
        finally:
            # Also when this look is cancelled: what was delivered must be known.
            self._supply.end()
            await asyncio.shield(writing)
        if pace.connections != self.claim.connections:
            await self._store.run(remember_connections, claim=self.claim, connections=pace.connections)
        return attempt.failure, attempt.reached

    async def _end(self, *, failure: Deferred | Bounced | None, was_reached: bool) -> None:
        now = self.clock()
        match failure:
            case None:
                await self._store.run(
                    claims.release_claim, claim=self.claim, was_reached=was_reached, now=now
                )
                return
            case Bounced():
                recorded = await self._store.run(bounce_waiting, claim=self.claim, outcome=failure, now=now)
            case Deferred():
                recorded = await self._store.run(
                    put_off,
                    claim=self.claim,
                    outcome=failure,
                    was_reached=was_reached,
                    now=now,
                    random=self.random,
                )
        log.info("destination", name=self.claim.name, outcome=type(failure).__name__, reply=failure.reply)
        await self._tell(recorded)

    async def _tell(self, recorded: Recorded) -> None:
        """Notices for what bounced, at once; where that fails now, beat's round sends them."""
        if recorded.has_reports:
            try:
                await self.threads.run(bounces.send_reports, now=self.clock(), new_name=bounces.new_name)
            except StoreUnavailable:
                log.warning("notices wait: the database is away")

    def _is_host_wanted(self) -> bool:
        """Another destination that is brought to the same host waits for a connection."""
        hops = self._policies.hops if self._policies is not None else ()
        return any(self.hosts.is_wanted(hop.address) for hop in hops)

    async def _connect(self, hop: NextHop) -> Wire:
        source = hop.departure.source
        return await Wire.open(hop.address, hop.port, seconds=self.timeouts.connect, source=source)

    async def _dial(self, hop: NextHop, wire: Wire) -> RelayConnection:
        assert self._policies is not None  # they were found before the hops were used
        return await open_connection(
            hop,
            own_name=settings.HOSTNAME,
            timeouts=self.timeouts,
            wire=wire,
            tls=self._policies.of(hop),
            sign_ins=self.sign_ins,
        )

    async def _which_are_ours(self, hosts: Sequence[str]) -> set[str]:
        return await self._store.run(own_names, hosts)


def own_names(hosts: Sequence[str]) -> set[str]:
    """This host's name, and domains hosted here: an MX record that names one of them leads back."""
    own = settings.HOSTNAME.lower()
    return {host for host in hosts if host == own or lookup.is_hosted(domain=host)}
