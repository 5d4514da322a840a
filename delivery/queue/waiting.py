"""Messages that wait for their time (undo send, RFC 4865): released when it has come, or taken back before.

Each stands in its sender's Outbox meanwhile, and leaves from there: what somebody has moved out, expunged or marked
\\Deleted is cancelled, which is seen here at the latest. Releasing and taking back lock the usage rows, then the
mailboxes (store/locks.py), then the message's row, and go on only where it still waits: whoever is first has it whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from delivery.known_recipients import note_recipients
from delivery.models.trace import Event
from delivery.queue.notices import relay_is_due
from delivery.suppression_holding import hold_back_released
from delivery.trace.outbound import note
from mailboxes.exceptions import AccountNotFound
from mailboxes.store.locks import lock_usage
from mailboxes.store.outbox import Leaving, Place, let_leave, lock_living, sent_mailboxes, standing
from mailboxes.store.values import Flag
from mailhost.audit.trail import record
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

BATCH: Final = 200

COME: Final = b"""
SELECT id, account_id, content_id, outbox_mailbox_id, outbox_uid, goes_to_sent FROM delivery_queuedmessage
 WHERE release_at <= %s ORDER BY release_at LIMIT %s
"""
LOCK_COME: Final = b"""
SELECT id FROM delivery_queuedmessage
 WHERE id = ANY(%s::bigint[]) AND release_at <= %s FOR NO KEY UPDATE SKIP LOCKED
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
# What was put into no Outbox waits in the queue alone.
STANDS: Final = f"""(outbox_uid IS NULL OR EXISTS (
    SELECT 1 FROM mailboxes_message standing
     WHERE standing.mailbox_id = outbox_mailbox_id AND standing.uid = outbox_uid
       AND standing.flags & {int(Flag.DELETED)} = 0))"""
# Gone for good, that is: a flag can be taken away again. No UID ever comes back, so nothing needs to be locked.
TAKEN_OUT: Final = b"""
SELECT id FROM delivery_queuedmessage
 WHERE release_at IS NOT NULL AND outbox_uid IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM mailboxes_message standing
                    WHERE standing.mailbox_id = outbox_mailbox_id AND standing.uid = outbox_uid)
 LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
FIND_WAITING: Final = f"""
SELECT {STANDS} FROM delivery_queuedmessage WHERE id = %s AND release_at IS NOT NULL FOR NO KEY UPDATE
""".encode()
STOP_MESSAGES: Final = b"""
UPDATE delivery_queuedmessage SET release_at = NULL WHERE id = ANY(%s::bigint[])
"""
STOP_RECIPIENTS: Final = b"""
UPDATE delivery_queuedrecipient SET state = 'cancelled', finished_at = %s, last_reply = %s
 WHERE message_id = ANY(%s::bigint[]) AND state IN ('waiting', 'held')
RETURNING forward_path, id
"""
POSTPONE_MESSAGE: Final = b"""
UPDATE delivery_queuedmessage SET release_at = %s, expires_at = %s WHERE id = %s
"""
DELIVER_BY: Final = b"""
SELECT deliver_by FROM delivery_queuedmessage WHERE id = %s AND deliver_by IS NOT NULL
"""
POSTPONE_RECIPIENTS: Final = b"""
UPDATE delivery_queuedrecipient SET next_attempt_at = %s WHERE message_id = %s AND state = 'waiting'
"""
TAKEN_BACK: Final = "Taken back by its sender before it left"


class ReleaseTimeInvalid(Exception):
    """Nothing can wait until then; the text is a sentence."""


class TooLate(Exception):
    """The message waits no more: it is on its way, or was taken back already."""

    def __init__(self, *, was_taken_out: bool = False) -> None:
        super().__init__(
            "Too late: the message was taken out of the Outbox already, and is not sent."
            if was_taken_out
            else "Too late: the message is on its way already."
        )


@dataclass(frozen=True, slots=True)
class _Due:
    """A message whose time has come, and where it stands."""

    message_id: int
    account_id: int | None
    content_id: int
    outbox_mailbox_id: int | None
    outbox_uid: int | None
    goes_to_sent: bool

    @property
    def place(self) -> Place | None:
        """Where it stands in an Outbox, if it was put into one."""
        if self.outbox_mailbox_id is None or self.outbox_uid is None:
            return None
        return self.outbox_mailbox_id, self.outbox_uid


def release_due(*, now: datetime) -> int:
    """Lets go what has waited long enough; how many messages. Any number of callers at once."""
    released = 0
    while True:
        try:
            had, left = _release_some(now)
        except (
            AccountNotFound
        ):  # removed in this very moment: the queue knows by now that it was nobody else's
            continue
        released += left
        if had < BATCH:
            return released


def settle_taken_out(*, now: datetime) -> int:
    """Cancels what somebody has taken out of the Outbox; how many messages. Releasing does so at the latest."""
    cancelled = 0
    while True:
        with transaction.atomic(), cursor() as sql:
            ids = [row[0] for row in sql.execute(TAKEN_OUT, (BATCH,))]
            _cancel(ids, now=now)
        cancelled += len(ids)
        if len(ids) < BATCH:
            return cancelled


def stop(*, message_id: int, now: datetime) -> list[str]:
    """Takes a message out that still waits, in the caller's transaction: its forward-paths. Raises TooLate."""
    _hold_waiting(message_id)
    return _stop([message_id], now=now)


def require_release_time(release_at: datetime, *, now: datetime) -> None:
    """Raises ReleaseTimeInvalid unless that is to come, and no later than a message may wait."""
    if release_at <= now:
        raise ReleaseTimeInvalid("That moment is over.")
    if release_at > now + timedelta(seconds=settings.FUTURE_RELEASE_MAX_SECONDS):
        raise ReleaseTimeInvalid("Nothing waits here for so long.")


@transaction.atomic
def postpone(*, message_id: int, release_at: datetime, by: str, now: datetime) -> None:
    """Gives a message that waits another time to leave, later or sooner. Raises ReleaseTimeInvalid, TooLate."""
    require_release_time(release_at, now=now)
    _set_time(message_id, release_at)
    with cursor() as sql:
        row = sql.execute(DELIVER_BY, (message_id,)).fetchone()
    if row is not None and row[0] < release_at:  # RFC 4865 section 5.2.2, as when it was handed in
        raise ReleaseTimeInvalid(
            "The time within which it is to be delivered (DELIVERBY) is over before that."
        )
    record(
        by=by, verb="message given another time", subject=f"Q{message_id}", release_at=release_at.isoformat()
    )


@transaction.atomic
def send_now(*, message_id: int, by: str, now: datetime) -> None:
    """Has a message that waits leave with the worker's next round, which is told. Raises TooLate."""
    _set_time(message_id, now)
    record(by=by, verb="message sent now", subject=f"Q{message_id}")
    transaction.on_commit(relay_is_due)


def _set_time(message_id: int, release_at: datetime) -> None:
    expires_at = release_at + timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)
    with cursor() as sql:
        _hold_waiting(message_id)
        sql.execute(POSTPONE_MESSAGE, (release_at, expires_at, message_id))
        sql.execute(POSTPONE_RECIPIENTS, (release_at, message_id))


def _hold_waiting(message_id: int) -> None:
    """Locks the row of a message that waits and still stands where it was put. Raises TooLate."""
    with cursor() as sql:
        row = sql.execute(FIND_WAITING, (message_id,)).fetchone()
    if row is None or not row[0]:
        raise TooLate(was_taken_out=row is not None)


@transaction.atomic
def _release_some(now: datetime) -> tuple[int, int]:
    """Of how many it could decide, and how many left."""
    with cursor() as sql:
        come = [_Due(*row) for row in sql.execute(COME, (now, BATCH))]
        if not come:
            return 0, 0
        sent = _lock_mailboxes(come)
        mine = {row[0] for row in sql.execute(LOCK_COME, ([each.message_id for each in come], now))}
    own = [each for each in come if each.message_id in mine]
    there = standing([each.place for each in own if each.place is not None])
    leaving = [each for each in own if each.place is None or each.place in there]
    stay = {each.message_id for each in leaving}
    _cancel([each.message_id for each in own if each.message_id not in stay], now=now)
    let_leave(
        [
            Leaving(
                each.place,
                sent.get(each.account_id) if each.goes_to_sent and each.account_id else None,
                each.content_id,
            )
            for each in leaving
            if each.place is not None and not _stays(each, sent)
        ],
        now=now,
    )
    _release(leaving, now=now)
    return len(own), len(leaving)


def _lock_mailboxes(come: Sequence[_Due]) -> dict[int, int]:
    """Locks what messages stand in and go to, behind the usage rows; the accounts' mailboxes for sent mail."""
    outboxes = {
        each.outbox_mailbox_id: each.account_id for each in come if each.outbox_mailbox_id is not None
    }
    if not outboxes:
        return {}
    owners = sorted({account_id for account_id in outboxes.values() if account_id is not None})
    lock_usage(owners)
    sent = sent_mailboxes(owners)
    lock_living({*outboxes, *sent.values()})
    return sent


def _stays(due: _Due, sent: Mapping[int, int]) -> bool:
    """Somebody has made the Outbox the mailbox for sent mail as well."""
    return (
        due.goes_to_sent and due.account_id is not None and sent.get(due.account_id) == due.outbox_mailbox_id
    )


def _release(leaving: Sequence[_Due], *, now: datetime) -> None:
    if not leaving:
        return
    accounts = {each.message_id: each.account_id for each in leaving}
    expires_at = now + timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)
    with cursor() as sql:
        rows = sql.execute(RELEASE_RECIPIENTS, (now, list(accounts))).fetchall()
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
        hold_back_released(recipient_ids=[row[3] for row in rows], now=now)
        sql.execute(WAKE, (now, sorted({row[1] for row in rows}), now))


def _cancel(message_ids: Sequence[int], *, now: datetime) -> None:
    """What is no longer where it was put: nobody is told, as it was its sender who took it out."""
    if not message_ids:
        return
    _stop(message_ids, now=now)
    for message_id in message_ids:
        record(by="outbox", verb="message taken back", subject=f"Q{message_id}")


def _stop(message_ids: Sequence[int], *, now: datetime) -> list[str]:
    """Cancels their recipients; the forward-paths."""
    with cursor() as sql:
        sql.execute(STOP_MESSAGES, (list(message_ids),))
        stopped = sql.execute(STOP_RECIPIENTS, (now, TAKEN_BACK, list(message_ids))).fetchall()
    note([recipient_id for _, recipient_id in stopped], event=Event.CANCELLED, now=now, reply=TAKEN_BACK)
    return [path for path, _ in stopped]


def _known_as(forward_path: str) -> str:
    """As known_recipients has it; "" for postmaster without a domain."""
    try:
        return "@".join(EmailAddress.parse(forward_path, is_lenient=True).key)
    except AddressSyntaxError:
        return ""
