"""Reading what follows DATA off the connection, in blocks, in bounded memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from django.conf import settings

from delivery.smtp.replies import BUSY, MESSAGE_TOO_BIG
from delivery.smtp.session import Session, SessionEnded, max_message_octets
from mailhost.protocols.smtp.message_data import MessageData
from mailhost.protocols.smtp.replies import CommandRefused, Reply

# A message that is too big is read to its end, where the reply belongs, but not for ever.
PATIENCE_FACTOR: Final = 2


@asynccontextmanager
async def read_message(session: Session) -> AsyncIterator[bytes]:
    """The message with transparent dots removed; its octets count as held until the context is left.

    Raises CommandRefused after the end of data, SessionEnded where that is too far away, ConnectionLost, IdleTimeout.
    """
    reading = _Reading(session)
    try:
        yield await reading.read()
    finally:
        reading.release()


class _Reading:
    """One DATA, and its share of what the process holds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._max_octets = max_message_octets()
        self._data = MessageData(max_octets=self._max_octets)
        self._held = 0
        self._refusal: Reply | None = None

    async def read(self) -> bytes:
        """The message."""
        connection = self._session.connection
        timeout = settings.SMTP_TIMEOUT_SECONDS
        rest = None
        while rest is None:
            rest = self._data.feed(await connection.read_block(timeout=timeout))
            self._account()
            if rest is None and self._data.received_octets > PATIENCE_FACTOR * self._max_octets:
                connection.write(MESSAGE_TOO_BIG.encode())
                raise SessionEnded
        if rest:
            connection.put_back(rest)
        if refusal := self._refusal or (MESSAGE_TOO_BIG if self._data.is_too_big else None):
            raise CommandRefused(refusal.code, refusal.enhanced, refusal.text)
        return self._data.take()

    def _account(self) -> None:
        host = self._session.host
        host.held_octets += self._data.held_octets - self._held
        self._held = self._data.held_octets
        if host.held_octets > settings.SMTP_MAX_HELD_OCTETS and not self._data.is_too_big:
            self._refusal = BUSY
            self._data.discard()
            self._account()

    def release(self) -> None:
        """What was held is held no more."""
        self._session.host.held_octets -= self._held
        self._held = 0
