"""What comes and goes: the queue."""

from delivery.models.queue import (
    WAITING_STATES,
    Attempt,
    Destination,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    ReportDue,
)

__all__ = [
    "WAITING_STATES",
    "Attempt",
    "Destination",
    "QueuedMessage",
    "QueuedRecipient",
    "RecipientState",
    "ReportDue",
]
