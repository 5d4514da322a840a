"""The outbound trace: each try to hand a recipient on, and whatever else happens to one in the queue.

A row holds by value what a search needs, and outlives the queue's own rows. It is written by the statement, or in the
transaction, that changes the queue: what is told has happened.
"""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Final

from django.conf import settings

from delivery.models.trace import Event
from mailhost.net.database import cursor

SENDING_DOMAIN: Final = (
    "CASE WHEN message.forwarded_by <> '' THEN message.forwarded_by"
    " WHEN position('@' IN message.reverse_path) > 0 THEN lower(split_part(message.reverse_path, '@', -1))"
    " ELSE '' END"
)
"""Whose mail it is that a queued message brings elsewhere; "" for notices of this host."""

_INSERT: Final = """
INSERT INTO delivery_attempt (recipient_id, queue_id, account_id, reverse_path, forward_path, domain, sender_domain,
                              message_id, subject, at, host, address, outcome, cause, reply, tls,
                              certificate, signing)
SELECT happened.recipient_id, message.id, message.account_id, message.reverse_path, happened.forward_path,
       CASE WHEN position('@' IN happened.forward_path) > 0
            THEN lower(split_part(happened.forward_path, '@', -1)) ELSE '' END,
       {sending_domain}, message.message_id_field, {subject}, happened.at, happened.host, happened.address,
       happened.outcome, happened.cause, happened.reply, happened.tls, happened.certificate,
       happened.signing
  FROM ({happened}) happened JOIN delivery_queuedmessage message ON message.id = happened.queue_id
"""
_SUBJECT: Final = (
    "coalesce((SELECT left(subject, 200) FROM mailboxes_content WHERE id = message.content_id), '')"
)

NOTE: Final = b"""
SELECT id AS recipient_id, message_id AS queue_id, forward_path, %(at)s::timestamptz AS at, '' AS host, '' AS address,
       %(event)s AS outcome, %(cause)s AS cause, %(reply)s AS reply, '' AS tls,
       '' AS certificate, '' AS signing
  FROM delivery_queuedrecipient WHERE id = ANY(%(ids)s::bigint[])
"""


def traced(happened: bytes, *, after: bytes = b"") -> bytes:
    """The statement that writes what a SELECT tells of: recipient_id, queue_id, forward_path, at, host, address,
    outcome (an Event), cause, reply, tls, certificate, signing. after: the WITH clause that the SELECT reads from.
    """
    return _traced(happened, after, settings.TRACE_SUBJECTS)


@cache
def _traced(happened: bytes, after: bytes, keeps_subjects: bool) -> bytes:
    insert = _INSERT.format(
        sending_domain=SENDING_DOMAIN,
        subject=_SUBJECT if keeps_subjects else "''",
        happened=happened.decode(),
    )
    return after + insert.encode()


def note(
    recipient_ids: Collection[int], *, event: Event, now: datetime, reply: str = "", cause: str = ""
) -> None:
    """What happened to these recipients without a try, in the caller's transaction. One statement.

    reply: our own words on it, for people to read, or another host's.
    """
    if not recipient_ids:
        return
    told = {"ids": list(recipient_ids), "at": now, "event": event.value, "reply": reply, "cause": cause}
    with cursor() as sql:
        sql.execute(traced(NOTE), told)
