"""Taking responsibility for a message (RFC 5321 section 6.1): local copies and queue rows in one transaction.

What comes in while one commit runs goes into the next one together (group commit, without a timer): a single
message waits for nothing, and many share the cost of the disk. No failure of one message touches the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from delivery.filters.recording import VERDICTS_BESIDE, Judged, record_verdicts
from delivery.findings import Action
from delivery.hidden_recipients import with_hidden
from delivery.known_recipients import note_recipients
from delivery.queue.departures import Departure, Departures
from delivery.queue.enqueue import enqueue
from delivery.queue.rows import NewQueuedMessage, NewRecipient
from delivery.suppression_holding import hold_back_queued
from mailboxes.exceptions import MailboxBusy, MailboxFact
from mailboxes.store.append import SLOW_OCTETS, prepare, prepare_to_leave
from mailboxes.store.append_batch import Item, Target, append_batch
from mailboxes.store.arrivals import Arrival, Arrivals, Arrived
from mailboxes.store.hierarchy import sent_mailbox
from mailboxes.store.large_content import LARGE_OCTETS
from mailboxes.store.mailbox_names import INBOX
from mailboxes.store.outbox import outboxes_of
from mailboxes.store.values import Flag, NewContent
from mailhost.net.batcher import Batcher
from mailhost.net.store_threads import StoreThreads, in_store
from mailhost.protocols import tls_required
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.message.scanner import Part
from mailhost.protocols.message.without_binary import has_binary
from mailhost.protocols.smtp.commands import Body
from mailhost.protocols.smtp.dsn_parameters import NOTHING_ASKED, DsnRequest

OCTETS_PER_MESSAGE = 8 * 1024  # what a message weighs in a batch besides its own octets
OCTETS_PER_RECIPIENT = 4 * 1024  # and each of its recipients: half of what a small message costs
MAX_RECIPIENTS_FROM_LOOP = 100  # more rows take milliseconds to spell: not in an event loop
MAX_TURNS_LEFT_OUT = 3  # a message whose mailbox is locked so often is then waited for, beside the others


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One message to take: complete octets (with Received and Return-Path), and where it goes.

    `account_ids` get it into INBOX, those in `judged` where their verdict says; `relay` goes to the queue.
    `reverse_path` is "" for the null one. `dsn_requests` are by EmailAddress.key of those in relay, `ret` and `envid`
    as in RFC 3461; `led_from`, by the same, the alias that led there where it was not named itself. `confirmed` are
    forward-paths that lead to accounts, and of whose delivery the reverse-path is to be told; `expanded` aliases of
    which it is to be told that they lead on to several.
    `is_held`: what goes to the queue waits there for an operator. `first_recipients`: those that `submitted_by` had
    never written to, to be remembered.
    `suppressed`: of those in relay, not to be tried (suppression.py has their keys). Where the message has to wait, the
    list is asked when it leaves.
    `release_at`: nothing leaves the queue before, and the message stands in the Outbox of `submitted_by` until then;
    `waiting` are forward-paths that lead to accounts, delivered then, or bounce addresses of ours, looked at by the
    worker.
    `future_release`, `forwarded_by`: as in QueuedMessage. `root`: the structure of octets, where it is known.
    """

    octets: bytes
    account_ids: tuple[int, ...] = ()
    relay: tuple[EmailAddress, ...] = ()
    reverse_path: str = ""
    submitted_by: int | None = None
    save_in_sent: bool = False
    body: Body = "8BITMIME"
    is_smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    requires_tls: bool = False
    dsn_requests: Mapping[tuple[str, str], DsnRequest] = field(default_factory=dict)
    led_from: Mapping[tuple[str, str], str] = field(default_factory=dict)
    confirmed: tuple[tuple[str, DsnRequest], ...] = ()
    expanded: tuple[tuple[str, DsnRequest], ...] = ()
    judged: tuple[Judged, ...] = ()
    is_held: bool = False
    first_recipients: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    waiting: tuple[tuple[str, DsnRequest], ...] = ()
    release_at: datetime | None = None
    future_release: str = ""
    forwarded_by: str = ""
    deliver_by: datetime | None = None
    deliver_by_mode: str = ""
    root: Part | None = None

    @property
    def arrives_in(self) -> str | None:
        """The name of the mailbox that every account has it in, where it does nothing else but arrive there."""
        if self.is_queued or self.save_in_sent or self.first_recipients:
            return None
        names = {INBOX} if self.account_ids else set()
        for judged in self.judged:
            if judged.action >= Action.QUARANTINE:
                return None
            names.add(judged.place.name if judged.place else INBOX)
        return names.pop() if len(names) == 1 else None

    @property
    def suppressed_now(self) -> tuple[str, ...]:
        """Of `suppressed`, what is asked for when the message is taken."""
        return () if self.is_held or self.release_at is not None else self.suppressed

    @property
    def is_queued(self) -> bool:
        """The queue has to know of it."""
        return bool(self.relay or self.confirmed or self.expanded or self.waiting)

    @property
    def only_leaves(self) -> bool:
        """It does nothing but go to the queue, and from there to others, at once."""
        stays = self.account_ids or self.judged or self.confirmed or self.expanded or self.waiting
        waits = self.is_held or self.release_at is not None or settings.RELAY == "capture"
        return bool(self.relay) and not (stays or waits or self.save_in_sent or self.suppressed)

    @property
    def waits_for(self) -> int | None:
        """The account in whose Outbox it stands; None where it leaves at once, or is nobody's here."""
        return self.submitted_by if self.release_at is not None and self.is_queued else None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was committed: the content, the UID in each account's mailbox, the queued message if any."""

    content_id: int
    uids: dict[int, int]
    queued_message_id: int | None


Outcome = Accepted | MailboxFact
Prepared = tuple[Acceptance, NewContent]


def accept_now(acceptance: Acceptance, *, now: datetime | None = None) -> Accepted:
    """Takes one message in a transaction of its own, or in the caller's.

    Raises QuotaExceeded, MailboxNotFound, MessageTooLarge, DiskNearlyFull.
    """
    [outcome] = accept_batch([(acceptance, _content(acceptance))], now=now or timezone.now())
    if isinstance(outcome, MailboxFact):
        raise outcome
    return outcome


def _content(acceptance: Acceptance) -> NewContent:
    if acceptance.only_leaves:
        return prepare_to_leave(acceptance.octets)
    return prepare(acceptance.octets, acceptance.root)


@transaction.atomic
def accept_batch(prepared: Sequence[Prepared], *, now: datetime, wait: bool = True) -> list[Outcome]:
    """Takes many messages in one transaction; each has its own outcome. Raises DiskNearlyFull for all."""
    outboxes = outboxes_of({each.waits_for for each, _ in prepared if each.waits_for is not None}, now=now)
    items = [_item(acceptance, content, now, outboxes) for acceptance, content in prepared]
    standing = {
        number: standing
        for number, (acceptance, content) in enumerate(prepared)
        if (standing := _standing(acceptance, content, items[number], now, outboxes)) is not None
    }
    append_batch([*items, *standing.values()], now=now, wait=wait)
    for number, beside in standing.items():
        items[number].failure = items[number].failure or beside.failure
    record_verdicts(
        [
            (judged, item.content_id)
            for (acceptance, _), item in zip(prepared, items, strict=True)
            if item.failure is None
            for judged in acceptance.judged
        ],
        now=now,
    )
    _note_recipients(prepared, items)
    leaving = [
        number
        for number, (acceptance, _) in enumerate(prepared)
        if acceptance.is_queued and items[number].failure is None
    ]
    queued = dict(
        zip(
            leaving,
            enqueue(
                [_queued_item(prepared[n][0], items[n], outboxes, standing.get(n)) for n in leaving], now=now
            ),
            strict=True,
        )
        if leaving
        else ()
    )
    suppressing = [queued[number] for number in leaving if prepared[number][0].suppressed_now]
    hold_back_queued(message_ids=suppressing, now=now)
    return [
        item.failure or Accepted(item.content_id, _uids(acceptance, item), queued.get(number))
        for number, ((acceptance, _), item) in enumerate(zip(prepared, items, strict=True))
    ]


def _note_recipients(prepared: Sequence[Prepared], items: Sequence[Item]) -> None:
    note_recipients(
        [
            (acceptance.submitted_by, address)
            for (acceptance, _), item in zip(prepared, items, strict=True)
            if item.failure is None and acceptance.submitted_by is not None
            for address in acceptance.first_recipients
        ]
    )


def _outbox(acceptance: Acceptance, outboxes: Mapping[int, int]) -> int | None:
    return None if acceptance.waits_for is None else outboxes.get(acceptance.waits_for)


def _item(acceptance: Acceptance, content: NewContent, now: datetime, outboxes: Mapping[int, int]) -> Item:
    targets = [Target(account_id) for account_id in acceptance.account_ids]
    targets += [
        Target(judged.account_id, judged.place.mailbox_id if judged.place else None)
        for judged in acceptance.judged
        if judged.action < Action.QUARANTINE
    ]
    is_held = any(judged.action >= Action.QUARANTINE for judged in acceptance.judged)
    outbox = _outbox(acceptance, outboxes)
    if acceptance.submitted_by is not None and outbox is not None:
        targets.append(Target(acceptance.submitted_by, outbox, Flag.SEEN))
    elif acceptance.save_in_sent and acceptance.submitted_by is not None:
        sent = sent_mailbox(account_id=acceptance.submitted_by)
        if sent is not None:
            targets.append(Target(acceptance.submitted_by, sent, Flag.SEEN))
    return Item(content, targets, now, keep_content=acceptance.is_queued or is_held)


def _uids(acceptance: Acceptance, item: Item) -> dict[int, int]:
    shown = [judged.account_id for judged in acceptance.judged if judged.action < Action.QUARANTINE]
    return dict(
        zip([*acceptance.account_ids, *shown], item.uids, strict=False)
    )  # the copy in Sent or in the Outbox comes last


def _standing(
    acceptance: Acceptance, content: NewContent, item: Item, now: datetime, outboxes: Mapping[int, int]
) -> Item | None:
    """A text of its own for the Outbox where it is for recipients that only the envelope knows: who moves it to Drafts
    is to find them there. Its item; the message's own one then has no place in the Outbox."""
    outbox = _outbox(acceptance, outboxes)
    if outbox is None or acceptance.submitted_by is None:
        return None
    paths = [*map(str, acceptance.relay), *(path for path, _ in acceptance.waiting)]
    octets = with_hidden(content.octets, paths)
    if octets is content.octets:
        return None
    item.targets = [target for target in item.targets if target.mailbox_id != outbox]
    return Item(prepare(octets), [Target(acceptance.submitted_by, outbox, Flag.SEEN)], now)


def _queued_item(
    acceptance: Acceptance, item: Item, outboxes: Mapping[int, int], standing: Item | None
) -> NewQueuedMessage:
    mailbox_id = _outbox(acceptance, outboxes)
    outbox = None if mailbox_id is None else (mailbox_id, (standing or item).uids[-1])
    return _queued(acceptance, content_id=item.content_id, outbox=outbox)


def _queued(
    acceptance: Acceptance, *, content_id: int = 0, outbox: tuple[int, int] | None = None
) -> NewQueuedMessage:
    return NewQueuedMessage(
        content_id=content_id,
        reverse_path=acceptance.reverse_path,
        recipients=[
            *(_recipient(acceptance, address) for address in acceptance.relay),
            *(
                NewRecipient(path, orcpt=asked.orcpt, notify=asked.notify, is_delivered=True)
                for path, asked in acceptance.confirmed
            ),
            *(
                NewRecipient(path, orcpt=asked.orcpt, notify=asked.notify, is_expanded=True)
                for path, asked in acceptance.expanded
            ),
            *(
                NewRecipient(path, orcpt=asked.orcpt, notify=asked.notify, is_local=True)
                for path, asked in acceptance.waiting
            ),
        ],
        account_id=acceptance.submitted_by,
        size_octets=len(acceptance.octets),
        body=_body(acceptance),
        smtputf8=acceptance.is_smtputf8,
        ret=acceptance.ret,
        envid=acceptance.envid,
        requires_tls=acceptance.requires_tls,
        # RFC 8689 section 4.1: what was said in MAIL counts before the field.
        ignores_tls=not acceptance.requires_tls and tls_required.says_no(acceptance.octets),
        is_held=acceptance.is_held,
        release_at=acceptance.release_at,
        future_release=acceptance.future_release,
        forwarded_by=acceptance.forwarded_by,
        deliver_by=acceptance.deliver_by,
        deliver_by_mode=acceptance.deliver_by_mode,
        outbox=outbox,
        goes_to_sent=outbox is not None and acceptance.save_in_sent,
    )


def _body(acceptance: Acceptance) -> Body:
    """What it needs on its way, whatever was announced: octets in plain lines go anywhere."""
    if acceptance.body == "BINARYMIME" and has_binary(acceptance.octets):
        return "BINARYMIME"
    return "7BIT" if acceptance.octets.isascii() else "8BITMIME"


def _recipient(acceptance: Acceptance, address: EmailAddress) -> NewRecipient:
    asked = acceptance.dsn_requests.get(address.key, NOTHING_ASKED)
    original = acceptance.led_from.get(address.key, "")
    return NewRecipient(str(address), orcpt=asked.orcpt, notify=asked.notify, original_path=original)


class Writer:
    """Takes messages for the sessions of one process, in batches, one commit at a time."""

    def __init__(
        self, *, max_batch_octets: int | None = None, clock: Callable[[], datetime] = timezone.now
    ) -> None:
        self._clock = clock
        max_weight = max_batch_octets or settings.WRITE_BATCH_OCTETS
        # Apart, because each batch is one transaction: a failure is told to all of it.
        self._deliveries: Batcher[Prepared, Accepted | None] = Batcher(
            self._deliver, max_weight=max_weight, weigh=_weight
        )
        self._leaving: Batcher[Prepared, Accepted | None] = Batcher(
            self._depart, max_weight=max_weight, weigh=_weight
        )
        self._batches: Batcher[Prepared, Accepted] = Batcher(self._take, max_weight=max_weight, weigh=_weight)
        self._arrivals = Arrivals(VERDICTS_BESIDE)
        self._departures = Departures()
        self._thread = StoreThreads(1, "writer", by_key=True)
        self._patient = StoreThreads(2, "patient-writer")

    async def accept(self, acceptance: Acceptance) -> Accepted:
        """Takes one message; returns once it is committed.

        Raises QuotaExceeded, MailboxNotFound, MessageTooLarge, DiskNearlyFull, StoreUnavailable (then the
        message may have been committed or not: the client is to send it again).
        """
        if len(acceptance.octets) < SLOW_OCTETS:
            content = _content(acceptance)
        else:
            content = await in_store(_content, acceptance)
        if acceptance.arrives_in:
            delivered = await self._deliveries.ask((acceptance, content))
            if delivered is not None:
                return delivered
        elif _leaves_from_loop(acceptance):
            queued = await self._leaving.ask((acceptance, content))
            if queued is not None:
                return queued
        for _ in range(MAX_TURNS_LEFT_OUT):
            try:
                return await self._batches.ask((acceptance, content))
            except MailboxBusy:
                continue
        [outcome] = await self._patient.run(accept_batch, [(acceptance, content)], now=self._clock())
        if isinstance(outcome, MailboxFact):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Ends once everything that waits is answered."""
        await self._deliveries.close()
        await self._leaving.close()
        await self._batches.close()
        await self._arrivals.close()
        await self._departures.close()
        self._thread.close()
        self._patient.close()

    async def _deliver(self, prepared: Sequence[Prepared]) -> list[Accepted | None]:
        arrivals = [_arrival(acceptance, content) for acceptance, content in prepared]
        return [
            None if placed is None else Accepted(placed.content_id, _uids_in(placed), None)
            for placed in await self._arrivals.place(arrivals, now=self._clock())
        ]

    async def _depart(self, prepared: Sequence[Prepared]) -> Sequence[Accepted | None]:
        leaving = [
            Departure(content, _queued(acceptance), acceptance.first_recipients)
            for acceptance, content in prepared
        ]
        return [
            None if each is None else Accepted(each.content_id, {}, each.message_id)
            for each in await self._departures.queue(leaving, now=self._clock())
        ]

    async def _take(self, prepared: Sequence[Prepared]) -> list[Outcome]:
        return await self._thread.run(accept_batch, prepared, now=self._clock(), wait=False)


def _arrival(acceptance: Acceptance, content: NewContent) -> Arrival:
    judged = acceptance.judged
    account_ids = dict.fromkeys([*acceptance.account_ids, *(each.account_id for each in judged)])
    return Arrival(content, tuple(account_ids), acceptance.arrives_in or INBOX, beside=judged)


def _uids_in(placed: Arrived) -> dict[int, int]:
    return {account_id: uid for account_id, (_, uid) in placed.places.items()}


def _leaves_from_loop(acceptance: Acceptance) -> bool:
    is_small = len(acceptance.octets) <= min(LARGE_OCTETS, settings.MAX_MESSAGE_OCTETS)
    return acceptance.only_leaves and is_small and len(acceptance.relay) <= MAX_RECIPIENTS_FROM_LOOP


def _weight(prepared: Prepared) -> int:
    acceptance, _ = prepared
    rows = len(acceptance.relay) + len(acceptance.waiting)
    return len(acceptance.octets) + OCTETS_PER_MESSAGE + OCTETS_PER_RECIPIENT * rows
