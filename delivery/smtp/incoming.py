"""A message on its way in: its share of the memory of the process, how fast it must come, and its chunks (RFC 3030)."""

from collections.abc import Callable
from typing import Final, Protocol

from django.conf import settings

from delivery.smtp.replies import BUSY, MESSAGE_TOO_BIG
from mailhost.net.stream.interruptions import IdleTimeout
from mailhost.protocols.smtp.replies import Reply

# Each block of data may take SMTP_TIMEOUT_SECONDS (RFC 5321 section 4.5.3.2.5). Beyond the first one a message must
# come at this pace all in all: an octet every four minutes would keep a session for years.
MIN_OCTETS_PER_SECOND: Final = 100


class Holder(Protocol):
    """Who counts what all sessions hold together."""

    held_octets: int


class Share:
    """What one message holds, and since when it comes. `now` is the event loop's clock."""

    def __init__(self, holder: Holder, *, now: Callable[[], float]) -> None:
        self._holder = holder
        self._now = now
        self._since = now()
        self._held = 0

    def hold(self, octets: int) -> bool:
        """It holds so much now. False: with it the process holds too much."""
        self._holder.held_octets += octets - self._held
        self._held = octets
        return self._holder.held_octets <= settings.SMTP_MAX_HELD_OCTETS

    def release(self) -> None:
        """It holds nothing any more."""
        self._holder.held_octets -= self._held
        self._held = 0

    def seconds_for_a_block(self, *, received_octets: int) -> float:
        """How long the next block may take. Raises IdleTimeout where the message comes too slowly."""
        timeout: float = settings.SMTP_TIMEOUT_SECONDS
        left = self._since + timeout + received_octets / MIN_OCTETS_PER_SECOND - self._now()
        if left <= 0:
            raise IdleTimeout
        return min(timeout, left)


class Chunks:
    """The message of a transaction as BDAT brings it. After a refusal it keeps nothing."""

    def __init__(self, share: Share, *, max_octets: int) -> None:
        self._share = share
        self._max_octets = max_octets
        self._buffer = bytearray()
        self.received_octets = 0
        self.refusal: Reply | None = None

    def expect(self, octets: int) -> None:
        """A chunk of this size begins: where it is too much, none of it is kept."""
        if self.refusal is None and self.received_octets + octets > self._max_octets:
            self._refuse(MESSAGE_TOO_BIG)

    def add(self, block: bytes) -> None:
        """Some octets of a chunk that was expected."""
        self.received_octets += len(block)
        if self.refusal is None:
            self._buffer += block
            if not self._share.hold(len(self._buffer)):
                self._refuse(BUSY)

    def _refuse(self, reply: Reply) -> None:
        self.refusal = reply
        self._buffer.clear()
        self._share.release()

    def seconds_for_a_block(self) -> float:
        """As Share's; all chunks count together."""
        return self._share.seconds_for_a_block(received_octets=self.received_octets)

    def take(self) -> bytes:
        """The message. Once; it counts as held until release()."""
        buffer, self._buffer = self._buffer, bytearray()
        return bytes(buffer)

    def release(self) -> None:
        """Drops what is left."""
        self._buffer.clear()
        self._share.release()
