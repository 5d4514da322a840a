"""What came back is noted here, and nowhere else: by those who have made sure that it is about mail of ours."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from delivery.models import ReturnedKind, ReturnedMail
from delivery.models.trace import Event
from delivery.suppression_learning import learn_from_returned
from delivery.trace.outbound import SENDING_DOMAIN, note
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import MAX_CHARACTERS, Cause

# What is beyond doubt takes the place of hearsay: nobody keeps a notice away by being there before it with another.
# Only what another host has taken can come back: a try was made, and it succeeded.
INSERT: Final = f"""
INSERT INTO delivery_returnedmail AS kept (kind, queued_recipient_id, account_id, domain, reverse_path, forward_path,
                                   message_id, status, cause, diagnostic, reporter, is_proven,
                                           is_vouched_for, at)
SELECT %(kind)s, recipient.id, message.account_id, {SENDING_DOMAIN},
       message.reverse_path, recipient.forward_path, message.message_id_field,
       %(status)s, %(cause)s, %(diagnostic)s, %(reporter)s, %(is_proven)s, %(is_vouched_for)s, %(at)s
  FROM delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id
 WHERE recipient.id = %(recipient_id)s AND recipient.state = 'delivered' AND recipient.attempts > 0
    ON CONFLICT (queued_recipient_id, kind) DO UPDATE
   SET status = excluded.status, cause = excluded.cause, diagnostic = excluded.diagnostic,
       reporter = excluded.reporter, is_proven = excluded.is_proven, is_vouched_for = excluded.is_vouched_for,
       at = excluded.at
 WHERE NOT (kept.is_proven OR kept.is_vouched_for) AND (excluded.is_proven OR excluded.is_vouched_for)
""".encode()
# Who is told of a failure: RFC 3461 section 4.1, and never the null reverse-path.
TELL: Final = b"""
UPDATE delivery_queuedrecipient recipient SET report_due = 'failed'
  FROM delivery_queuedmessage message
 WHERE recipient.id = %s AND message.id = recipient.message_id AND message.reverse_path <> ''
   AND (recipient.notify = '' OR upper(recipient.notify) LIKE '%%FAILURE%%')
"""
MAX_NAME: Final = 255


@transaction.atomic
def note_returned(
    *,
    kind: ReturnedKind,
    recipient_id: int,
    cause: Cause | None = None,
    status: str = "",
    diagnostic: str = "",
    reporter: str = "",
    is_proven: bool = False,
    is_vouched_for: bool = False,
    tells_sender: bool = False,
    is_counted: bool = True,
    now: datetime,
) -> bool:
    """Notes that mail for this recipient of the queue came back; in the caller's transaction, or its own.

    False, and nothing changes, where no host has taken it, where its row is gone, or where the same is known already
    (beyond doubt, where this is). is_vouched_for: who says so may know (returns/vouching.py). What is neither that nor
    proven suppresses nothing.
    tells_sender: then a notice to the reverse-path is due as well (bounces.py), unless NOTIFY asked for none.
    is_counted: for suppression lists, now; otherwise the caller counts it, with others in one statement, which locks
    rows in one order (suppression_learning.py).
    """
    values: dict[str, Any] = {
        "kind": kind.value,
        "recipient_id": recipient_id,
        "cause": cause.value if cause else "",
        "status": status,
        "diagnostic": stored_words(diagnostic),
        "reporter": _storable(reporter)[:MAX_NAME],
        "is_proven": is_proven,
        "is_vouched_for": is_vouched_for,
        "at": now,
    }
    with cursor() as sql:
        is_new = sql.execute(INSERT, values).rowcount > 0
        if is_new:
            said = Event.RETURNED if kind is ReturnedKind.BOUNCE else Event.COMPLAINED
            event = said if is_proven or is_vouched_for else Event.HEARSAY
            note([recipient_id], event=event, now=now, reply=values["diagnostic"], cause=values["cause"])
        if is_new and tells_sender:
            sql.execute(TELL, (recipient_id,))
        if is_new and is_counted and (is_proven or is_vouched_for):
            learn_from_returned(
                kind=kind, recipient_id=recipient_id, cause=cause, words=values["diagnostic"], now=now
            )
    return is_new


def forget_returned(*, now: datetime, days: int) -> None:
    """Removes what came back longer ago than it is kept."""
    ReturnedMail.objects.filter(at__lt=now - timedelta(days=days)).delete()


def stored_words(diagnostic: str) -> str:
    """What the other side said, as it is kept."""
    return _storable(diagnostic)[:MAX_CHARACTERS]


def _storable(text: str) -> str:
    """Postgres takes neither NUL nor halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
