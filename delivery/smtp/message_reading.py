"""Reading what follows DATA off the connection, in blocks, in bounded memory."""

from typing import Final

from delivery.smtp.incoming import Share
from delivery.smtp.replies import BUSY, MESSAGE_TOO_BIG
from delivery.smtp.session import Session, SessionEnded, max_message_octets
from mailhost.protocols.smtp.message_data import MessageData
from mailhost.protocols.smtp.replies import CommandRefused, Reply

# A message that is too big is read to its end, where the reply belongs, but not for ever.
PATIENCE_FACTOR: Final = 2


async def read_message(session: Session, share: Share) -> bytes:
    """The message with transparent dots removed; share holds its octets, until the caller releases it.

    Raises CommandRefused after the end of data, SessionEnded where that is too far away, ConnectionLost, IdleTimeout.
    """
    return await _Reading(session, share).read()


class _Reading:
    """One DATA."""

    def __init__(self, session: Session, share: Share) -> None:
        self._connection = session.connection
        self._share = share
        self._max_octets = max_message_octets()
        self._data = MessageData(max_octets=self._max_octets)
        self._refusal: Reply | None = None

    async def read(self) -> bytes:
        """The message."""
        connection, data = self._connection, self._data
        rest = None
        while rest is None:
            timeout = self._share.seconds_for_a_block(received_octets=data.received_octets)
            rest = data.feed(await connection.read_block(timeout=timeout))
            self._account()
            if rest is None and data.received_octets > PATIENCE_FACTOR * self._max_octets:
                connection.write(MESSAGE_TOO_BIG.encode())
                raise SessionEnded
        if rest:
            connection.put_back(rest)
        if refusal := self._refusal or (MESSAGE_TOO_BIG if data.is_too_big else None):
            raise CommandRefused(refusal.code, refusal.enhanced, refusal.text)
        return data.take()

    def _account(self) -> None:
        if not self._share.hold(self._data.held_octets) and not self._data.is_too_big:
            self._refusal = BUSY
            self._data.discard()
            self._account()
