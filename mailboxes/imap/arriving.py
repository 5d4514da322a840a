"""APPENDs of all sessions of a process, committed together (as deliveries are: docs/decisions/0011)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from mailboxes.store.arrivals import Arrival, Arrivals, Arrived
from mailboxes.store.keywords import checked_keywords
from mailboxes.store.mailbox_names import canonical_name
from mailboxes.store.rights import others_name
from mailboxes.store.values import Appended, NewMessage
from mailhost.net.batcher import Batcher

OCTETS_PER_MESSAGE = 8 * 1024  # what a message weighs in a batch besides its own octets


class Arriving:
    """Takes single messages into accounts' own mailboxes, in batches, one commit at a time."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._arrivals = Arrivals()
        self._batches: Batcher[Arrival, Arrived | None] = Batcher(
            self._place, max_weight=settings.WRITE_BATCH_OCTETS, weigh=_weight
        )

    async def append(self, *, account_id: int, name: str, message: NewMessage) -> Appended | None:
        """Where it was put; None for what append_batch has to look at: it waits for locks, or says why not.

        Raises MailboxFact, StoreUnavailable.
        """
        if others_name(name) is not None:
            return None
        placed = await self._batches.ask(
            Arrival(
                message.content,
                (account_id,),
                canonical_name(name),
                message.flags,
                checked_keywords(message.keywords),
                message.internal_date,
            )
        )
        if placed is None:
            return None
        uid_validity, uid = placed.places[account_id]
        return Appended(uid_validity, [uid])

    async def close(self) -> None:
        """Ends once everything that waits is answered."""
        await self._batches.close()
        await self._arrivals.close()

    async def _place(self, arrivals: Sequence[Arrival]) -> list[Arrived | None]:
        return await self._arrivals.place(arrivals, now=self._clock())


def _weight(arrival: Arrival) -> int:
    return len(arrival.content.octets) + OCTETS_PER_MESSAGE
