"""What sending reports has in common, of whatever kind: each is sent once, and none keeps another one back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog
from django.db import transaction

from delivery.models.feedback import Feedback, FeedbackState
from mailboxes.exceptions import MailboxFact

log = structlog.get_logger(__name__)

F = TypeVar("F", bound=Feedback)

MAX_NOTE: Final = 2_000  # characters
SHRINKS_TO: Final = 0.9  # of what would fit if all were packed alike


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a report is tried, and how long after a failed attempt again; the pauses grow by a factor."""

    pause: timedelta
    attempts: int
    factor: int = 1

    def after(self, attempts: int) -> timedelta:
        """attempts: how many there were, one at least."""
        return self.pause * int(self.factor ** (attempts - 1))


def send_each(chosen: Sequence[F], send: Callable[[F], bool], *, patience: Patience, now: datetime) -> int:
    """How many were sent. What fails is put off."""
    sent = 0
    for feedback in chosen:
        try:
            sent += send(feedback)
        except MailboxFact as fact:  # a full disk, say
            log.info("a report has to wait", domain=feedback.domain, reason=str(fact))
            put_off(feedback, str(fact), patience=patience, now=now)
        except (
            Exception
        ) as error:  # a fault of ours with what strangers made up shall not keep back all others
            log.error("a report failed", domain=feedback.domain, exc_info=error)
            put_off(feedback, f"{type(error).__name__}: {error}", patience=patience, now=now)
    return sent


def locked(feedback: F) -> F | None:
    """Its row of now, until the end of the transaction; None where it is no longer due, or another worker's."""
    rows: Any = type(feedback)._default_manager.select_for_update(skip_locked=True, no_key=True)
    found: F | None = rows.filter(pk=feedback.pk, state=FeedbackState.DUE).first()
    return found


def put_off(feedback: Feedback, note: str, *, patience: Patience, now: datetime) -> None:
    """To be tried again; a report that fails too often is given up."""
    with transaction.atomic():
        row = locked(feedback)
        if row is None:
            return
        row.attempts += 1
        row.due_at, row.note = now + patience.after(row.attempts), joined([note])
        if row.attempts >= patience.attempts:
            row.state = FeedbackState.SENT if row.sent_at else FeedbackState.UNWANTED
        row.save(update_fields=["attempts", "due_at", "note", "state"])


def joined(sentences: Sequence[str]) -> str:
    """As a note has them."""
    return "\n".join(sentences).replace("\0", "")[:MAX_NOTE]


def fitted(make: Callable[[int], bytes], *, count: int, max_octets: int) -> bytes:
    """make(count); with fewer and fewer, but one at least, where it is longer than it may be."""
    octets = make(count)
    while len(octets) > max_octets and count > 1:
        count = max(1, min(count - 1, int(count * max_octets / len(octets) * SHRINKS_TO)))
        octets = make(count)
    return octets
