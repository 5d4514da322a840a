"""What comes and goes: verdicts on what came in, what accounts may send, the queue."""

from delivery.models.queue import (
    WAITING_STATES,
    Attempt,
    Destination,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    ReportDue,
)
from delivery.models.submission import KnownRecipient, SendingHold, SubmissionLimits
from delivery.models.verdict import Quarantined, RecordedVerdict

__all__ = [
    "WAITING_STATES",
    "Attempt",
    "Destination",
    "KnownRecipient",
    "Quarantined",
    "QueuedMessage",
    "QueuedRecipient",
    "RecipientState",
    "RecordedVerdict",
    "ReportDue",
    "SendingHold",
    "SubmissionLimits",
]
