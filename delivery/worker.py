"""The worker: claims destinations that are due, sends what waits for them, and writes back what became of it.

One lives in each Celery worker process, in an event loop of its own that outlives the tasks: a task only asks for a
round. The database is reached through threads of the worker's own, which Celery's Django fix-up does not touch (it
closes the connections of its own threads after each task).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone

from delivery.feedback.tallying import Counted
from delivery.feedback.tls.counting import SessionWriter, count_sessions
from delivery.look import Look
from delivery.queue import claim as claims
from delivery.queue.values import Claim
from delivery.queue.waiting import release_due
from delivery.recorder import Recorder
from delivery.relay.budget import OctetBudget
from delivery.relay.connection import RFC_TIMEOUTS, Timeouts
from delivery.relay.host_room import HostRoom
from delivery.relay.next_hops import configured_route, parse_relay
from delivery.relay.sign_in_pauses import SharedPauses
from delivery.relay.sign_ins import SignIns
from delivery.relay.tls.configured import configured_policies
from delivery.relay.tls.finding import Note, TlsPolicies
from delivery.relay.tls.sessions import TlsSession
from mailhost.net.resolver import Resolver, configured_resolver
from mailhost.net.store_threads import StoreThreads, StoreUnavailable

log = structlog.get_logger(__name__)

# Destinations at once, of those that fail and of the others each: a thousand dead hosts, at which a look takes
# minutes, shall not keep mail for living ones waiting.
MAX_LOOKS: Final = 200
RENEWALS_PER_LEASE: Final = 3
CLOSE_SECONDS: Final = 1.0  # what is being sent at shutdown may finish in this time: `./run` stops within 10
STORE_THREADS: Final = 4
SMARTHOST_CONNECTIONS: Final = 10  # where all mail goes to one host: others' limits are 20 to 50 for a client
HELD_OCTETS: Final = 64 << 20  # of messages being sent: a hundred connections with 50 MB each would be 5 GB


@dataclass
class Worker:
    """Everything from outside comes in here: clock, resolver, randomness, time-outs."""

    resolver: Resolver = field(default_factory=configured_resolver)
    clock: Callable[[], datetime] = timezone.now
    random: Random = field(default_factory=Random)
    timeouts: Timeouts = RFC_TIMEOUTS
    threads: StoreThreads = field(default_factory=lambda: StoreThreads(STORE_THREADS, "relay", by_key=True))
    tls: TlsPolicies | None = None  # None: those that the settings ask for
    note_session: Note | None = None  # None: as the settings ask for
    _counting: SessionWriter | None = None
    _looks: dict[asyncio.Task[None], Look] = field(default_factory=dict)
    _slots: dict[bool, asyncio.Semaphore] = field(init=False)  # by whether the destination fails
    _recorder: Recorder = field(init=False)
    _budget: OctetBudget = field(default_factory=lambda: OctetBudget(HELD_OCTETS))
    _hosts: HostRoom = field(init=False)
    _sign_ins: SignIns = field(init=False)
    _renewing: asyncio.Task[None] | None = None
    _rounds: set[asyncio.Task[int]] = field(default_factory=set)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_closing: bool = False
    _wants_round: bool = False

    def __post_init__(self) -> None:
        most = SMARTHOST_CONNECTIONS if parse_relay(settings.RELAY) else settings.RELAY_CONNECTIONS
        self._slots = {is_failing: asyncio.Semaphore(most) for is_failing in (False, True)}
        self._hosts = HostRoom(most if parse_relay(settings.RELAY) else settings.RELAY_CONNECTIONS_PER_HOST)
        self._sign_ins = SignIns(self.clock, others=SharedPauses(self.threads.run, self.clock))
        self._recorder = Recorder(self.threads, self.clock, self.random)
        self.tls = self.tls or configured_policies(
            resolver=self.resolver, run=self.threads.run, clock=self.clock
        )
        if settings.TLS_REPORTS and self.note_session is None:
            self._counting = SessionWriter(resolver=self.resolver, clock=self.clock, store=self._count)
            self.note_session = self._counting.note_session

    async def round(self) -> int:
        """Releases what has waited for its time, claims what is due and starts sending it; how many destinations.

        What was started goes on in the loop.
        """
        claimed = 0
        try:
            async with self._one_at_a_time:
                await self.threads.run(release_due, now=self.clock())
                while found := await self._claim():
                    claimed += len(found)
                    for claim in found:
                        self._start(claim)
        except StoreUnavailable:
            log.warning("the queue cannot be read: the database is away")
        return claimed

    def stop(self) -> None:
        """Takes nothing more; what is being sent goes on."""
        self._is_closing = True
        for look in self._looks.values():
            look.stop()

    async def close(self) -> None:
        """Lets what is being sent finish for a moment, and leaves the rest to others."""
        self.stop()
        if self._looks:
            await asyncio.wait(self._looks, timeout=CLOSE_SECONDS)
        left = list(self._looks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CLOSE_SECONDS)
        if self._renewing is not None:
            self._renewing.cancel()
        if self._rounds:
            await asyncio.wait(self._rounds, timeout=CLOSE_SECONDS)
        if self._counting is not None:
            counting = asyncio.create_task(self._counting.close(), name="write counts")
            await asyncio.wait([counting], timeout=CLOSE_SECONDS)
        await asyncio.to_thread(self.threads.close)

    async def _count(self, sessions: Sequence[Counted[None, TlsSession]]) -> None:
        await self.threads.run(count_sessions, sessions)

    async def _claim(self) -> list[Claim]:
        """Of both kinds, as many as there is room for."""
        found: list[Claim] = []
        for is_failing in (False, True):
            at_it = sum((look.claim.failures > 0) == is_failing for look in self._looks.values())
            if not self._is_closing and at_it < MAX_LOOKS:
                found += await self.threads.run(
                    claims.claim_destinations,
                    limit=MAX_LOOKS - at_it,
                    lease_seconds=settings.QUEUE_LEASE_SECONDS,
                    now=self.clock(),
                    is_failing=is_failing,
                )
        return found

    def _start(self, claim: Claim) -> None:
        assert self.tls is not None  # since __post_init__
        look = Look(
            claim=claim,
            route=configured_route(),
            resolver=self.resolver,
            clock=self.clock,
            random=self.random,
            timeouts=self.timeouts,
            threads=self.threads,
            slots=self._slots[claim.failures > 0],
            budget=self._budget,
            hosts=self._hosts,
            recorder=self._recorder,
            sign_ins=self._sign_ins,
            tls=self.tls,
            note_session=self.note_session or (lambda session: None),
        )
        task = asyncio.create_task(look.run(), name=f"look at {claim.name}")
        self._looks[task] = look
        task.add_done_callback(self._ended)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(), name="renew claims")

    def _ended(self, task: asyncio.Task[None]) -> None:
        look = self._looks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out, and another look is made: a fault of ours must not end the worker.
            log.error("a look failed", destination=look.claim.name, exc_info=error)
        # There is room again; and what came for this destination in its last moment waits already, of which nobody
        # was told (see enqueue.py). A round that is under way may have looked before.
        self._wants_round = True
        self._go_round()

    def _go_round(self) -> None:
        if self._wants_round and not self._is_closing and not self._rounds:
            self._wants_round = False
            again = asyncio.create_task(self.round(), name="round")
            self._rounds.add(again)
            again.add_done_callback(self._round_ended)

    def _round_ended(self, task: asyncio.Task[int]) -> None:
        self._rounds.discard(task)
        self._go_round()

    async def _renew(self) -> None:
        """While anything is claimed: prolongs the leases, and stops looks whose claim is another's by now."""
        while self._looks:
            await asyncio.sleep(settings.QUEUE_LEASE_SECONDS / RENEWALS_PER_LEASE)
            held = {look.claim.token: look for look in self._looks.values()}
            try:
                own = await self.threads.run(
                    claims.renew_claims,
                    claims=[look.claim for look in held.values()],
                    lease_seconds=settings.QUEUE_LEASE_SECONDS,
                    now=self.clock(),
                )
            except StoreUnavailable:
                continue  # nobody else can claim either while it is away
            for token, look in held.items():
                if token not in own:
                    look.lose()
