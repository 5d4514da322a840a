"""What comes and goes: the queue."""

from delivery.models.queue import Attempt, Destination, QueuedMessage, QueuedRecipient, RecipientState

__all__ = ["Attempt", "Destination", "QueuedMessage", "QueuedRecipient", "RecipientState"]
