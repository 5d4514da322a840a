"""What a look has to send: fetched while it is the destination's turn, loaded as a server takes it, and what became of
it written back."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings

from delivery.forwarding import with_way_back
from delivery.loading_ahead import Ahead, Found
from delivery.models import LOCAL
from delivery.patient_store import PatientStore
from delivery.queue import claim as claims
from delivery.queue.outcomes import Recorded
from delivery.queue.route_moves import due_here
from delivery.queue.values import Claim, RecipientResult
from delivery.recorder import Recorder
from delivery.relay.attempt import NotLoaded
from delivery.relay.budget import OctetBudget
from delivery.relay.forms import Form
from delivery.relay.outcome import Deferred, Outcome
from delivery.relay.parcel import OutgoingMessage, OutgoingRecipient, Parcel
from delivery.returns.addresses import with_bounce_addresses
from delivery.signing import load_signed
from mailhost.protocols.message.without_binary import CannotConvert

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
OUR_FAULT: Final = Deferred("4.3.0", "Something went wrong here")


@dataclass
class Supply:
    """The attempt's source of messages (delivery.relay.attempt.Source), of one look.

    is_host_wanted: another destination that is brought to the same host waits for a connection. sets_aside: what
    ignores the policies of TLS is sent after all else. tell: notices are due.
    """

    claim: Claim
    clock: Callable[[], datetime]
    slots: asyncio.Semaphore
    budget: OctetBudget
    recorder: Recorder
    store: PatientStore
    is_host_wanted: Callable[[], bool]
    sets_aside: Callable[[], bool]
    tell: Callable[[Recorded], Awaitable[None]]
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

    def stop(self) -> None:
        """Nothing more is begun; what is being sent may finish."""
        self._is_stopped = True

    def lose(self) -> None:
        """The claim is another's: whatever is not sent yet is theirs."""
        log.warning("claim lost", destination=self.claim.name)
        self.stop()

    @property
    def has_aside(self) -> bool:
        """Something was set aside."""
        return bool(self._aside)

    def turn_to_what_was_set_aside(self) -> None:
        """A turn of its own: behind a long queue it would never have one."""
        self._is_despite_tls = True
        self._taken, self._began_at = 0, None
        self._parcels, self._aside = self._aside, deque()

    def begin(self) -> None:
        """An attempt follows, and write_back() beside it."""
        self._is_over = False
        self._has_results.clear()

    def end(self) -> None:
        """It is over: write_back() returns when all is written."""
        self._is_over = True
        self._has_results.set()

    def written(self, recipients: Iterable[OutgoingRecipient]) -> None:
        """They may be fetched again, where they are due again."""
        self._known.difference_update(each.recipient_id for each in recipients)

    async def take(self) -> Parcel | None:
        """The next parcel; more is fetched when none is left. None also where it is others' turn."""
        if not self._is_in_turn() or not await self.has_parcel():
            return None
        self._taken += 1
        return self._parcels.popleft()

    async def has_parcel(self) -> bool:
        """Something is left to be taken, fetched where it has to be."""
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
        if self._finds < 2 or self._lingers_left <= 0 or self.slots.locked() or self.is_host_wanted():
            return False
        self._lingers_left -= 1
        await asyncio.sleep(LINGER_SECONDS)
        return True

    async def _fetch(self) -> bool:
        """Some of what is due; False where there is no more. What ignores the policies of TLS is put aside at first."""
        due = await self.store.run(
            claims.due_despite_tls if self._is_despite_tls else due_here,
            claim=self.claim,
            limit=FETCHED_RECIPIENTS,
            except_ids=list(self._known),
            now=self.clock(),
        )
        is_here = self.claim.name == LOCAL
        if settings.VERP and not is_here:
            due = await self.store.run(with_bounce_addresses, due)
        for each in due:
            parcel = each if is_here else with_way_back(each, now=self.clock())
            is_aside = (
                parcel.message.ignores_tls and self.sets_aside() and not (is_here or self._is_despite_tls)
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
            return await self.store.run(load_signed, messages=messages, form=form, now=self.clock())
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

    async def write_back(self) -> None:
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
            self.written(each.recipient for each in results)
            if not recorded.is_own:
                self.lose()
            await self.tell(recorded)
            if self._is_over:
                self._has_results.set()
