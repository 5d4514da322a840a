"""One look at a claimed destination: hosts looked up, messages sent, outcomes written back, the claim released."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final, ParamSpec, TypeVar

import structlog
from django.conf import settings

from delivery import bounces
from delivery.forwarding import with_way_back
from delivery.loading_ahead import Ahead, Found
from delivery.local_delivery import deliver_here
from delivery.models import LOCAL
from delivery.queue import claim as claims
from delivery.queue.destination_outcomes import bounce_waiting, put_off
from delivery.queue.outcomes import Recorded
from delivery.queue.remembering import remember_connections
from delivery.queue.route_moves import due_here
from delivery.queue.values import Claim, RecipientResult
from delivery.recorder import WRITE_AGAIN_SECONDS, Recorder
from delivery.relay.attempt import Attempt, NotLoaded
from delivery.relay.budget import OctetBudget
from delivery.relay.connection import RelayConnection, Timeouts, open_connection
from delivery.relay.forms import Form
from delivery.relay.host_room import HostRoom
from delivery.relay.next_hops import NextHop, Route, find_next_hops
from delivery.relay.outcome import Bounced, Deferred, Outcome
from delivery.relay.pace import Pace
from delivery.relay.parcel import OutgoingMessage, OutgoingRecipient, Parcel
from delivery.relay.sign_ins import SignIns
from delivery.relay.tls.finding import FoundPolicies, Note, TlsPolicies
from delivery.relay.wire import Wire
from delivery.returns.addresses import with_bounce_addresses
from delivery.routes.ways import way_out
from delivery.signing import load_signed
from domains import lookup
from mailhost.net.resolver import Resolver
from mailhost.net.store_threads import StoreThreads, StoreUnavailable
from mailhost.protocols.message.without_binary import CannotConvert

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

FETCHED_RECIPIENTS: Final = 200  # at a time, of what waits for one destination
# Then a look gives way: the destination queues up again behind all others that are due.
MESSAGES_PER_LOOK: Final = 1_000
SECONDS_PER_LOOK: Final = 120
# Where messages follow each other a look waits for the next ones, with its connections open: beginning anew (a notice,
# a claim, names, a greeting) costs more than many messages.
LINGER_SECONDS: Final = 0.1
LINGERS: Final = 3  # in a row, that bring nothing
GATHER_SECONDS: Final = 0.02  # then also: outcomes that are committed together
TLS_REFUSED: Final = frozenset({"4.7.4", "4.7.5"})  # what a policy of TLS forbids comes to
OUR_FAULT: Final = Deferred("4.3.0", "Something went wrong here")


@dataclass
class Look:
    """Also the attempt's source of messages (delivery.relay.attempt.Source)."""

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
    _parcels: deque[Parcel] = field(default_factory=deque)
    _aside: deque[Parcel] = field(default_factory=deque)  # what ignores the policies of TLS
    _is_despite_tls: bool = False  # now it is their turn
    _ahead: Ahead = field(default_factory=Ahead)
    _notes: dict[int, str] = field(default_factory=dict)  # by message: how it was signed
    _known: set[int] = field(default_factory=set)  # recipients fetched, and not yet written back
    _results: list[RecipientResult] = field(default_factory=list)
    _has_results: asyncio.Event = field(default_factory=asyncio.Event)
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_stopped: bool = False
    _finds: int = 0  # times that more was fetched
    _lingers_left: int = 0
    _taken: int = 0
    _began_at: datetime | None = None
    _is_over: bool = False

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
            await self._store(claims.capture, claim=self.claim, now=self.clock())
            return
        if self.claim.route_id:
            self.route = await self._store(way_out, self.claim.route_id, base=self.route)
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
        self._is_stopped = True

    def lose(self) -> None:
        """The claim is another's: whatever is not sent yet is theirs."""
        log.warning("claim lost", destination=self.claim.name)
        self.stop()

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
                log.warning("the database is away", destination=self.claim.name)
                await asyncio.sleep(WRITE_AGAIN_SECONDS)

    async def _deliver_here(self) -> None:
        """What waited for its time, into mailboxes of this host. One bad message keeps no other one back."""
        while (parcel := await self.take()) is not None:
            try:
                recorded = await self._store(
                    deliver_here, claim=self.claim, parcel=parcel, now=self.clock(), random=self.random
                )
            except (
                Exception
            ) as error:  # a fault of ours: the others are delivered, and this one is tried again
                log.error("local delivery failed", message_id=parcel.message.message_id, exc_info=error)
                results = [RecipientResult(parcel.message, each, OUR_FAULT) for each in parcel.recipients]
                recorded = await self.recorder.write(self.claim, results)
            self._known.difference_update(each.recipient_id for each in parcel.recipients)
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
        if await self._has_parcel():
            self._policies = await self._find_policies(hops)
            failure = self._policies.failure
            if failure is None:
                failure, was_reached = await self._send(self._policies.hops)
        if self._is_by_policy and (self._aside if failure is None else failure.status in TLS_REFUSED):
            self._is_despite_tls = True
            # A turn of its own: behind a long queue it would never have one.
            self._taken, self._began_at = 0, None
            self._parcels, self._aside = self._aside, deque()
            self._policies = (self._policies or await self._find_policies(hops, tells=False)).waived(hops)
            other, is_there = await self._send(self._policies.hops)
            if failure is None:
                failure, was_reached = other, was_reached or is_there
        await self._end(failure=failure, was_reached=was_reached)

    async def _send(self, hops: Sequence[NextHop]) -> tuple[Deferred | Bounced | None, bool]:
        """(why no more could be sent, if so; whether a host was there)."""
        self._is_over = False
        self._has_results.clear()
        pace = Pace(self.claim.connections, settings.RELAY_CONNECTIONS_PER_DESTINATION)
        attempt = Attempt(
            hops=hops,
            source=self,
            connect=self._connect,
            dial=self._dial,
            pace=pace,
            hosts=self.hosts,
            max_messages=settings.RELAY_MESSAGES_PER_CONNECTION,
            slots=self.slots,
            clock=self.clock,
        )
        writing = asyncio.create_task(self._write_results())
        try:
            await attempt.run()
        finally:
            # Also when this look is cancelled: what was delivered must be known.
            self._is_over = True
            self._has_results.set()
            await asyncio.shield(writing)
        if pace.connections != self.claim.connections:
            await self._store(remember_connections, claim=self.claim, connections=pace.connections)
        return attempt.failure, attempt.reached

    async def _end(self, *, failure: Deferred | Bounced | None, was_reached: bool) -> None:
        now = self.clock()
        match failure:
            case None:
                await self._store(claims.release_claim, claim=self.claim, was_reached=was_reached, now=now)
                return
            case Bounced():
                recorded = await self._store(bounce_waiting, claim=self.claim, outcome=failure, now=now)
            case Deferred():
                recorded = await self._store(
                    put_off,
                    claim=self.claim,
                    outcome=failure,
                    was_reached=was_reached,
                    now=now,
                    random=self.random,
                )
        log.info("destination", name=self.claim.name, outcome=type(failure).__name__, reply=failure.reply)
        await self._tell(recorded)

    async def _write_results(self) -> None:
        """Has what came together while the last transaction ran written back, until this look is over."""
        while not self._is_over or self._results:
            await self._has_results.wait()
            if self._finds > 1 and not self._is_over:
                await asyncio.sleep(GATHER_SECONDS)
            self._has_results.clear()
            results, self._results = self._results, []
            if not results:
                continue
            try:
                recorded = await self.recorder.write(self.claim, results)
            except BaseException:
                self.stop()  # what is sent now could not be written back either, and would be sent again
                raise
            self._known.difference_update(each.recipient.recipient_id for each in results)
            if not recorded.is_own:
                self.lose()
            await self._tell(recorded)
            if self._is_over:
                self._has_results.set()

    async def _tell(self, recorded: Recorded) -> None:
        """Notices for what bounced, at once; where that fails now, beat's round sends them."""
        if recorded.has_reports:
            try:
                await self.threads.run(bounces.send_reports, now=self.clock(), new_name=bounces.new_name)
            except StoreUnavailable:
                log.warning("notices wait: the database is away")

    async def _store(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """However long the database is away: what other servers have taken must be written back.

        Nobody else can claim while it is away, and where somebody was faster afterwards the token tells.
        """
        while True:
            try:
                return await self.threads.run(function, *args, **kwargs)
            except StoreUnavailable:
                log.warning("the database is away", destination=self.claim.name)
                await asyncio.sleep(WRITE_AGAIN_SECONDS)

    # What the attempt asks for.

    async def take(self) -> Parcel | None:
        """The next parcel; more is fetched when none is left. None also where it is others' turn."""
        if not self._is_in_turn() or not await self._has_parcel():
            return None
        self._taken += 1
        return self._parcels.popleft()

    async def _has_parcel(self) -> bool:
        async with self._fetching:
            while (
                not self._parcels
                and not self._is_stopped
                and len(self._aside) < MESSAGES_PER_LOOK  # more are not sent in this look
                and (await self._fetch() or await self._linger())
            ):
                pass
        return bool(self._parcels) and not self._is_stopped

    async def _linger(self) -> bool:
        """Waits a moment for what may come next; False where nothing is to be expected, or others want the place."""
        if self._finds < 2 or self._lingers_left <= 0 or self.slots.locked() or self._is_host_wanted():
            return False
        self._lingers_left -= 1
        await asyncio.sleep(LINGER_SECONDS)
        return True

    def _is_host_wanted(self) -> bool:
        """Another destination that is brought to the same host waits for a connection."""
        hops = self._policies.hops if self._policies is not None else ()
        return any(self.hosts.is_wanted(hop.address) for hop in hops)

    async def _fetch(self) -> bool:
        """Some of what is due; False where there is no more. What ignores the policies of TLS is put aside at first."""
        due = await self._store(
            claims.due_despite_tls if self._is_despite_tls else due_here,
            claim=self.claim,
            limit=FETCHED_RECIPIENTS,
            except_ids=list(self._known),
            now=self.clock(),
        )
        is_here = self.claim.name == LOCAL
        if settings.VERP and not is_here:
            due = await self._store(with_bounce_addresses, due)
        for each in due:
            parcel = each if is_here else with_way_back(each, now=self.clock())
            is_aside = (
                parcel.message.ignores_tls and self._is_by_policy and not (is_here or self._is_despite_tls)
            )
            (self._aside if is_aside else self._parcels).append(parcel)
            self._known.update(recipient.recipient_id for recipient in parcel.recipients)
        if due:
            self._finds += 1
            self._lingers_left = LINGERS
        return bool(due)

    def _is_in_turn(self) -> bool:
        """Neither so many messages nor so much time were given to it yet."""
        now = self.clock()
        self._began_at = self._began_at or now
        return self._taken < MESSAGES_PER_LOOK and (now - self._began_at).total_seconds() < SECONDS_PER_LOOK

    def put_back(self, parcel: Parcel) -> None:
        """The next to be taken."""
        self._parcels.appendleft(parcel)
        self._taken -= 1

    def waiting(self) -> int:
        """Of those fetched."""
        return len(self._parcels)

    @asynccontextmanager
    async def loaded(self, parcel: Parcel, *, form: Form) -> AsyncIterator[bytes | None]:
        """Read in a store thread, where line ends and dots are seen to as well."""
        message = parcel.message
        async with self.budget.hold(message.size_octets):
            found = await self._ahead.load(message, self._following, form=form, read=self._load)
            if isinstance(found, CannotConvert):
                raise found
            if found is not None:
                self._notes[message.message_id] = found.note
            yield None if found is None else found.octets

    def _following(self) -> Iterator[OutgoingMessage]:
        return (parcel.message for parcel in self._parcels)

    async def _load(self, messages: Sequence[OutgoingMessage], form: Form) -> dict[int, Found]:
        """Raises NotLoaded where the first of them cannot be read or signed by a fault of ours."""
        try:
            return await self._store(load_signed, messages=messages, form=form, now=self.clock())
        except Exception as fault:
            log.error("a message cannot be loaded", message_id=messages[0].message_id, exc_info=fault)
            raise NotLoaded(OUR_FAULT.reply) from fault

    def report(
        self, parcel: Parcel, recipients: Sequence[OutgoingRecipient], outcomes: Sequence[Outcome]
    ) -> None:
        """To be written back soon."""
        self._results += [
            RecipientResult(
                parcel.message, recipient, outcome, signing=self._notes.get(parcel.message.message_id, "")
            )
            for recipient, outcome in zip(recipients, outcomes, strict=True)
        ]
        self._has_results.set()

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
        return await self._store(own_names, hosts)


def own_names(hosts: Sequence[str]) -> set[str]:
    """This host's name, and domains hosted here: an MX record that names one of them leads back."""
    own = settings.HOSTNAME.lower()
    return {host for host in hosts if host == own or lookup.is_hosted(domain=host)}
