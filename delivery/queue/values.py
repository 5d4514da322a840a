"""A claim, and what is written back under it."""

from dataclasses import dataclass
from uuid import UUID

from delivery.relay.outcome import Outcome
from delivery.relay.pace import FIRST_CONNECTIONS
from delivery.relay.parcel import OutgoingMessage, OutgoingRecipient


@dataclass(frozen=True, slots=True)
class Claim:
    """A destination that this worker alone may send to; `failures` looks in a row have reached nobody, and it bore so
    many `connections` at once. route_id: as in Destination."""

    destination_id: int
    name: str
    token: UUID
    failures: int
    connections: int = FIRST_CONNECTIONS
    route_id: int = 0


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What became of one recipient, to be written back. signing: as in an Attempt."""

    message: OutgoingMessage
    recipient: OutgoingRecipient
    outcome: Outcome
    signing: str = ""
