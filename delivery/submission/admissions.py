"""admission.admit() for the sessions of one event loop: what they ask in one moment is asked together.

A hop into a thread, a statement and a script of its own for each message took as long as everything else that a
message needs on submission (docs/decisions/0011).
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from delivery.submission.admission import (
    READ,
    Admitted,
    Question,
    Sender,
    admit,
    admitted,
    hold,
    sender_of,
    suspicion_of,
    tell_of_limit,
    what_counts,
)
from delivery.submission.limits import SubmissionLimitReached, taken_back
from mailhost.net.batcher import Batcher
from mailhost.net.counted_together import LoopCounters
from mailhost.net.statements import TEXT_OID, Row, Statement, Statements, binary_array, plain_array
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress

MAX_ASKED_TOGETHER: Final = 2_000  # recipients
READ_AT_ONCE: Final = Statement.parse(READ)


class Admissions:
    """To be closed; the counters are their owner's."""

    def __init__(self, counters: LoopCounters) -> None:
        self._counters = counters
        self._statements = Statements(plans_once=True)
        self._senders: Batcher[Question, Sender | None] = Batcher(
            self._read, max_weight=MAX_ASKED_TOGETHER, weigh=lambda question: 1 + len(question.addresses)
        )

    async def admit(
        self,
        *,
        account_id: int,
        recipients: Iterable[EmailAddress],
        peer: str,
        now: datetime,
        not_before: datetime | None = None,
    ) -> Admitted:
        """As the function admit. Also raises StoreUnavailable."""
        if not_before is not None:  # rare, and more is asked of it
            return await in_store(
                admit,
                account_id=account_id,
                recipients=list(recipients),
                peer=peer,
                now=now,
                not_before=not_before,
            )
        question = Question.of(account_id, recipients)
        sender = await self._senders.ask(question)
        if sender is None:
            return Admitted()
        asked = what_counts(sender, question, peer, now)
        totals, networks = await self._counters.add_together(asked.additions)
        try:
            counted = asked.counted(totals)
        except SubmissionLimitReached as reached:
            await self._counters.add_together(taken_back(asked.additions))
            await in_store(tell_of_limit, sender, reached, now)
            raise
        suspicion = suspicion_of(sender, counted, networks)
        if suspicion:
            await in_store(hold, sender, suspicion, now)
        return admitted(sender, is_suspect=bool(suspicion), not_before=None, now=now)

    async def close(self) -> None:
        """Ends once everybody who waits is answered."""
        await self._senders.close()
        await self._statements.close()

    async def _read(self, asked: Sequence[Question]) -> list[Sender | None]:
        numbers = [number for number, question in enumerate(asked, 1) for _ in range(len(question.addresses))]
        addresses = [address.encode() for question in asked for address in question.addresses]
        rows = await self._statements.fetch(
            READ_AT_ONCE,
            {
                "account_ids": plain_array(question.account_id for question in asked),
                "numbers": plain_array(numbers),
                "addresses": binary_array(addresses, oid=TEXT_OID),
            },
        )
        found = {int(row[0] or 0): sender_of(_decode(row)) for row in rows}
        return [found.get(number) for number in range(1, len(asked) + 1)]


def _decode(row: Row) -> list[Any]:
    """As the function has it."""
    number, account_id, login, undo_seconds, domain_id, domain, is_held, first, *own = row
    return [
        number,
        int(account_id or 0),
        (login or b"").decode(),
        int(undo_seconds or 0),
        None if domain_id is None else int(domain_id),
        None if domain is None else domain.decode(),
        is_held == b"t",
        json.loads(first or b"[]"),
        *(None if each is None else int(each) for each in own),
    ]
