"""Messages that wait for their time (undo send, RFC 4865): released when it has come, or taken back before.

Both lock the message's row first, and go on only where it still waits: whoever is first has it whole.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from delivery.known_recipients import note_recipients
from delivery.models.trace import Event
from delivery.trace.outbound import note
from mailhost.audit.trail import record
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

BATCH: Final = 200

COME: Final = b"""
SELECT id, account_id FROM delivery_queuedmessage
 WHERE release_at <= %s ORDER BY release_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
RELEASE_MESSAGES: Final = b"""
UPDATE delivery_queuedmessage SET release_at = NULL, released_at = %s, expires_at = %s WHERE id = ANY(%s::bigint[])
"""
RELEASE_RECIPIENTS: Final = b"""
UPDATE delivery_queuedrecipient SET state = 'queued', next_attempt_at = %s
 WHERE message_id = ANY(%s::bigint[]) AND state = 'waiting'
RETURNING message_id, destination_id, forward_path, id
"""
# As in enqueue.py: rows of destinations come last, by name.
WAKE: Final = b"""
UPDATE delivery_destination SET next_attempt_at = %s
 WHERE id IN (SELECT id FROM delivery_destination WHERE id = ANY(%s::bigint[])
               ORDER BY name, route_id FOR NO KEY UPDATE)
   AND (next_attempt_at IS NULL OR (failures = 0 AND next_attempt_at > %s))
"""
STOP_MESSAGE: Final = b"""
UPDATE delivery_queuedmessage SET release_at = NULL WHERE id = %s AND release_at IS NOT NULL RETURNING content_id
"""
STOP_RECIPIENTS: Final = b"""
UPDATE delivery_queuedrecipient SET state = 'cancelled', finished_at = %s
 WHERE message_id = %s AND state IN ('waiting', 'held')
RETURNING forward_path, id
"""
POSTPONE_MESSAGE: Final = b"""
UPDATE delivery_queuedmessage SET release_at = %s, expires_at = %s WHERE id = %s AND release_at IS NOT NULL
"""
POSTPONE_RECIPIENTS: Final = b"""
UPDATE delivery_queuedrecipient SET next_attempt_at = %s WHERE message_id = %s AND state = 'waiting'
"""


class ReleaseTimeInvalid(Exception):
    """Nothing can wait until then; the text is a sentence."""


class TooLate(Exception):
    """The message waits no more: it is on its way, or was taken back already."""

    def __init__(self) -> None:
        super().__init__("Too late: the message is on its way already.")


def release_due(*, now: datetime) -> int:
    """Lets go what has waited long enough; how many messages. Any number of callers at once."""
    released = 0
    while True:
        count = _release_some(now)
        released += count
        if count < BATCH:
            return released


def stop(*, message_id: int, now: datetime) -> tuple[int, list[str]]:
    """Takes a message out that still waits, in the caller's transaction: its content and its forward-paths.

    Raises TooLate.
    """
    with cursor() as sql:
        row = sql.execute(STOP_MESSAGE, (message_id,)).fetchone()
        if row is None:
            raise TooLate
        stopped = sql.execute(STOP_RECIPIENTS, (now, message_id)).fetchall()
        note([pk for _, pk in stopped], event=Event.CANCELLED, now=now, reply="Taken back before it left")
        return row[0], [path for path, _ in stopped]


@transaction.atomic
def postpone(*, message_id: int, release_at: datetime, by: str, now: datetime) -> None:
    """Gives a message that waits another time to leave, later or sooner. Raises ReleaseTimeInvalid, TooLate."""
    if release_at <= now:
        raise ReleaseTimeInvalid("That moment is over.")
    if release_at > now + timedelta(seconds=settings.FUTURE_RELEASE_MAX_SECONDS):
        raise ReleaseTimeInvalid("Nothing waits here for so long.")
    expires_at = release_at + timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)
    with cursor() as sql:
        if not sql.execute(POSTPONE_MESSAGE, (release_at, expires_at, message_id)).rowcount:
            raise TooLate
        sql.execute(POSTPONE_RECIPIENTS, (release_at, message_id))
    record(
        by=by, verb="message given another time", subject=f"Q{message_id}", release_at=release_at.isoformat()
    )


@transaction.atomic
def _release_some(now: datetime) -> int:
    with cursor() as sql:
        accounts = dict(sql.execute(COME, (now, BATCH)).fetchall())
        if not accounts:
            return 0
        rows = sql.execute(RELEASE_RECIPIENTS, (now, list(accounts))).fetchall()
        expires_at = now + timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)
        sql.execute(RELEASE_MESSAGES, (now, expires_at, list(accounts)))
        # Now, and not when it was submitted: whom a message that is taken back was for nobody has written to.
        note_recipients(
            [
                (account_id, address)
                for message_id, _, path, _ in rows
                if (account_id := accounts[message_id]) is not None and (address := _known_as(path))
            ]
        )
        note([row[3] for row in rows], event=Event.RELEASED, now=now, reply="Its time to leave had come")
        sql.execute(WAKE, (now, sorted({row[1] for row in rows}), now))
    return len(accounts)


def _known_as(forward_path: str) -> str:
    """As known_recipients has it; "" for postmaster without a domain."""
    try:
        return "@".join(EmailAddress.parse(forward_path, is_lenient=True).key)
    except AddressSyntaxError:
        return ""
