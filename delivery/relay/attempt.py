"""A look at one destination: its hosts tried in their order, and what waits sent over a few reused connections."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from delivery.relay import requiring
from delivery.relay.connection import RelayConnection
from delivery.relay.forms import Form, Octets, form_for
from delivery.relay.host_room import HostRoom
from delivery.relay.lines import Dial, Line, Lines
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from delivery.relay.pace import Pace, is_objection
from delivery.relay.parcel import OutgoingRecipient, Parcel
from delivery.relay.racing import Connect
from delivery.relay.transaction import TOO_MANY_RECIPIENTS, NothingBegun, Recipient, Transaction, send
from mailhost.protocols.message.without_binary import CannotConvert

# A host that puts off so many messages in a row means us, not them: what is left waits with the destination.
MAX_DEFERRALS_IN_A_ROW: Final = 20
WAIT_FOR_HOST_SECONDS: Final = 10  # while other destinations have all the connections to it
WORTH_A_CONNECTION: Final = 5  # messages waiting for each further connection


class NotLoaded(Exception):
    """A fault of ours with one message, which waits and keeps no other one back. The text is a sentence."""


class Source(Protocol):
    """Where messages for the destination come from, and their outcomes go."""

    async def take(self) -> Parcel | None:
        """The next one to be sent; None where there is none (any more)."""

    def put_back(self, parcel: Parcel) -> None:
        """It was not tried."""

    def waiting(self) -> int:
        """How many parcels are known to wait."""

    def loaded(self, parcel: Parcel, *, form: Form) -> AbstractAsyncContextManager[bytes | None]:
        """In this form, held for as long as it is being sent; None where it is gone.

        Raises CannotConvert and NotLoaded on entering.
        """

    def report(
        self, parcel: Parcel, recipients: Sequence[OutgoingRecipient], outcomes: Sequence[Outcome]
    ) -> None:
        """What became of some of its recipients."""


@dataclass
class Attempt:
    """`failure` is set where no host is left, or where the host wants no more now; `reached`: one was there."""

    hops: Sequence[NextHop]
    source: Source
    connect: Connect
    dial: Dial  # over what was connected
    pace: Pace
    hosts: HostRoom
    max_messages: int  # over one connection
    slots: asyncio.Semaphore  # connections of the whole process
    clock: Callable[[], datetime]
    _lines: Lines = field(init=False)
    _deferrals: int = 0
    _workers: int = 0
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    def __post_init__(self) -> None:
        self._lines = Lines(self.hops, self.connect, self.dial, self.pace, self.hosts, self.max_messages)

    @property
    def failure(self) -> Deferred | Bounced | None:
        return self._lines.failure

    @property
    def reached(self) -> bool:
        return self._lines.reached

    async def run(self) -> None:
        """Until nothing waits any more, or nothing can be sent."""
        try:
            async with self._group:
                self._add_worker()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures  # one is enough to tell

    def _add_worker(self) -> None:
        self._workers += 1
        self._group.create_task(self._work())

    def _grow(self) -> None:
        """As many connections as it bears now, where enough waits for each. The first one found somebody there."""
        while (
            self.failure is None
            and self._workers < self.pace.connections
            and self.source.waiting() >= self._workers * WORTH_A_CONNECTION
            and not self._lines.full()
        ):
            self._add_worker()

    async def _work(self) -> None:
        """One connection's worth of work. While all its hosts are full, it holds no place that others could use."""
        is_dismissed = False
        try:
            while True:
                async with self.slots:
                    is_dismissed = await self._send_all()
                full = self._lines.full()
                if is_dismissed or not full or self._lines.open or self.failure or not self.source.waiting():
                    return
                if not await self.hosts.wait(full, seconds=WAIT_FOR_HOST_SECONDS):
                    return  # another look goes on with it
        finally:
            self._workers -= not is_dismissed

    def _dismiss(self) -> bool:
        """True for a worker more than there are to be; it is not counted any longer."""
        if self._workers <= self.pace.connections:
            return False
        self._workers -= 1
        return True

    async def _send_all(self) -> bool:
        """Until nothing waits or can be sent; True where this worker was dismissed."""
        line: Line | None = None
        is_dismissed = False
        try:
            while (
                self.failure is None
                and not (is_dismissed := self._dismiss())
                and (parcel := await self.source.take())
            ):
                try:
                    line = await self._lines.good(line)
                    if line is None:
                        self.source.put_back(parcel)
                        return False
                    self._grow()
                    await self._send(line, parcel)
                except asyncio.CancelledError:
                    self.source.put_back(parcel)
                    raise
            if line is not None:
                await line.connection.quit()
            return is_dismissed
        finally:
            if line is not None:
                self._lines.drop(line)

    async def _send(self, line: Line, parcel: Parcel) -> None:
        if requiring.must_travel_so(parcel.message) and (refusal := requiring.refusal(line.connection)):
            await self._send_elsewhere(line, parcel, refusal)
            return
        try:
            form = form_for(parcel, line.connection.extensions)
            async with self.source.loaded(parcel, form=form) as data:
                if data is not None:
                    await self._send_data(line, parcel, data, form)
                    return
            outcome: Outcome = Bounced("5.3.0", "The message is no longer kept here.")
        except CannotConvert as fact:
            outcome = Bounced("5.6.3", str(fact), line.connection.peer)
        except NotLoaded as fault:
            outcome = Deferred("4.3.0", str(fault))
            self._count_deferral(outcome)
        self.source.report(parcel, parcel.recipients, [outcome] * len(parcel.recipients))

    async def _send_elsewhere(self, line: Line, parcel: Parcel, refusal: Bounced) -> None:
        """To another host, that may have what asks for TLS on all its way (RFC 8689 section 4.2.1)."""
        tried = {line.hop.host}
        while (other := await self._lines.beside(tried)) is not None:
            try:
                if requiring.refusal(other.connection) is None:
                    await self._send(other, parcel)
                    return
                await other.connection.quit()
            finally:
                self._lines.drop(other)
        outcome: Outcome = refusal
        if missed := {hop.host for hop in self.hops} - tried:
            text = f"{refusal.reply} {min(missed)}, which may be better, could not be reached."
            outcome = Deferred(f"4{refusal.status[1:]}", text, refusal.peer)
        self.source.report(parcel, parcel.recipients, [outcome] * len(parcel.recipients))

    async def _send_data(self, line: Line, parcel: Parcel, data: bytes, form: Form) -> None:
        """The parcel's recipients; those that were too many go in transactions of their own."""
        recipients: Sequence[OutgoingRecipient] = parcel.recipients
        while recipients:
            try:
                outcomes = await send(
                    line.connection,
                    _transaction(line.connection, parcel, recipients, data, form, now=self.clock()),
                )
            except (
                ValueError
            ) as error:  # the last wall before the wire (protocols/smtp/client.py): nothing was said
                refused = Bounced("5.1.3", f"The address cannot be said in SMTP: {error}.")
                self.source.report(parcel, recipients, [refused] * len(recipients))
                return
            except NothingBegun as lost:
                if is_objection(lost.outcome):
                    self.pace.object()
                if line.connection.completed == 0:
                    self._lines.lost(line, lost.outcome)
                self.source.put_back(Parcel(parcel.message, tuple(recipients)))
                return
            again = _too_many(outcomes) if line.connection.is_usable else set()
            settled = [number for number in range(len(recipients)) if number not in again]
            self.source.report(parcel, [recipients[n] for n in settled], [outcomes[n] for n in settled])
            self._look_at(line, outcomes)
            recipients = [recipients[number] for number in sorted(again)]

    def _look_at(self, line: Line, outcomes: Sequence[Outcome]) -> None:
        """A host that puts everything off, or that keeps hanging up, is left alone for now."""
        self.pace.note(outcomes)
        last = outcomes[-1]
        if not all(isinstance(each, Deferred) for each in outcomes) or not isinstance(last, Deferred):
            self._deferrals = 0
            return
        self._count_deferral(last)
        if not line.connection.is_usable and line.connection.completed == 0:
            self._lines.lost(line, last)

    def _count_deferral(self, outcome: Deferred) -> None:
        self._deferrals += 1
        if self._deferrals >= MAX_DEFERRALS_IN_A_ROW:
            self._lines.failure = self.failure or outcome


def _transaction(
    connection: RelayConnection,
    parcel: Parcel,
    recipients: Sequence[OutgoingRecipient],
    data: bytes,
    form: Form,
    *,
    now: datetime,
) -> Transaction:
    message = parcel.message
    body = message.body
    if body == "BINARYMIME" and form.octets is not Octets.AS_THEY_ARE:
        # RFC 3030 section 3: it was converted when it was loaded.
        body = "7BIT" if data.isascii() else "8BITMIME"
    return Transaction(
        reverse_path=message.reverse_path,
        recipients=[Recipient(each.forward_path, each.notify, each.original) for each in recipients],
        data=data,
        is_chunked=form.is_chunked,
        size_octets=len(data) if form.is_chunked else len(data) - len(b".\r\n"),
        body=body,
        needs_smtputf8=parcel.needs_smtputf8,
        ret=message.ret,
        envid=message.envid,
        requires_tls=requiring.is_asked_for(message, connection),
        by_seconds=message.seconds_left(now=now),
        by_mode=message.deliver_by_mode,
    )


def _too_many(outcomes: Sequence[Outcome]) -> set[int]:
    """Recipients that may follow at once: others were taken, these were too many (RFC 5321 section 4.5.3.1.10)."""
    if not any(isinstance(each, Delivered) for each in outcomes):
        return set()
    return {
        number
        for number, each in enumerate(outcomes)
        if isinstance(each, Deferred) and each.status == TOO_MANY_RECIPIENTS
    }
