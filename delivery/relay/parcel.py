"""What the relay is given to bring to a destination."""

import math
from dataclasses import dataclass
from datetime import datetime

from mailhost.protocols.smtp.dsn_parameters import orcpt_of


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """The part of a queued message that all its recipients share. `forwarded_by`: as in QueuedMessage."""

    message_id: int
    content_id: int
    reverse_path: str
    size_octets: int
    body: str
    is_smtputf8: bool
    envid: str
    ret: str
    expires_at: datetime
    requires_tls: bool = False
    forwarded_by: str = ""
    deliver_by: datetime | None = None
    deliver_by_mode: str = ""
    ignores_tls: bool = False

    def seconds_left(self, *, now: datetime) -> int | None:
        """Of its time to be delivered in (RFC 2852), rounded down; None where there is no such time."""
        return None if self.deliver_by is None else math.floor((self.deliver_by - now).total_seconds())


@dataclass(frozen=True, slots=True)
class OutgoingRecipient:
    """One recipient, with how often it was tried. `original_path`: as in QueuedRecipient."""

    recipient_id: int
    forward_path: str
    orcpt: str
    notify: str
    attempts: int
    original_path: str = ""

    @property
    def original(self) -> str:
        """ORCPT as it came; where none did, of the alias that was named, so that whoever reports on this recipient can
        say a name that the sender knows."""
        return self.orcpt or (orcpt_of(self.original_path) if self.original_path else "")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message for recipients of one destination: one transaction."""

    message: OutgoingMessage
    recipients: tuple[OutgoingRecipient, ...]

    @property
    def needs_smtputf8(self) -> bool:
        """The message was taken with it, or an address has other than ASCII characters (RFC 6531 section 3.1)."""
        paths = [self.message.reverse_path, *(each.forward_path for each in self.recipients)]
        return self.message.is_smtputf8 or not all(path.isascii() for path in paths)
