"""/messages: a program hands a message in, as an account does in webmail: the same checks, limits and time to undo."""

import secrets
from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Header, Router, Status

from delivery.queue.waiting import require_release_time
from delivery.submission.handing_in import HandIn, hand_in, replay
from delivery.submission.once import MAX_KEY, Once
from delivery.submission.raw import complete_raw
from mailboxes.models import Account
from mailhost.api.keys import AnyKey
from mailhost.api.message_schemas import HandedInBody, MailboxBody, MessageBody, parsed
from mailhost.api.problems import MessageInvalid, Problem
from mailhost.api.responses import WRITES
from mailhost.api.senders import Login, sender_of
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.message.composing import Attachment, CannotCompose, compose

router = Router(tags=["Messages"])

SENDING: dict[int, Any] = {200: HandedInBody, 201: HandedInBody, **WRITES, 429: Problem}
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=MAX_KEY,
        description="Any text of yours that names this message, a UUID for instance. Who got no answer asks again with "
        "it: nothing is sent twice, and the first answer comes again (200).",
    ),
]


@router.post("/messages", response=SENDING, summary="Send a message", auth=AnyKey())
def send_message(
    request: HttpRequest,
    message: Annotated[MessageBody, Body()],
    login: Login = "",
    idempotency_key: IdempotencyKey = "",
) -> Status[HandedInBody]:
    """Delivers to recipients here, queues for the others, and keeps a copy in the account's Sent: all or nothing.

    It counts against the account's limits (429 says in `Retry-After` when there is room again), and waits for the
    account's time to undo: then it stands in its Outbox, and `/waiting` lists it, gives it another time and takes it
    back. 201: taken; 200: it had been taken with this Idempotency-Key before. The request may have 20 MB (a setting).
    """
    account, now = sender_of(request, login), timezone.now()
    once = None
    if idempotency_key:
        once = Once.of(account_id=account.pk, key=idempotency_key, asked=request.body)
        if (earlier := replay(once)) is not None:
            return Status(200, HandedInBody.of(earlier))
    if message.release_at is not None:
        require_release_time(message.release_at, now=now)
    given = _raw(message, account, now) if message.raw is not None else _composed(message, account, now)
    peer = request.META.get("REMOTE_ADDR", "")
    handed_in = hand_in(given, account=account, peer=peer, now=now, not_before=message.release_at, once=once)
    return Status(200 if handed_in.is_replay else 201, HandedInBody.of(handed_in))


def _raw(message: MessageBody, account: Account, now: datetime) -> HandIn:
    """Raises MessageInvalid, RawInvalid, SenderRefused, AddressRefused."""
    assert message.raw is not None
    other = message.model_fields_set - {"raw", "recipients", "release_at"}
    if other:
        raise MessageInvalid(
            "A message in raw has everything in it but its recipients.", field=min(other).rstrip("_")
        )
    octets, message_id = complete_raw(message.raw, account_id=account.pk, now=now)
    recipients = tuple(parsed(each, "recipients") for each in message.recipients)
    return HandIn(octets, EmailAddress.parse(account.login), recipients, message_id)


def _composed(message: MessageBody, account: Account, now: datetime) -> HandIn:
    """Raises MessageInvalid, AddressRefused."""
    if message.recipients:
        raise MessageInvalid("Recipients that the message does not name are in bcc.", field="recipients")
    sender = message.from_ or MailboxBody(address=account.login, name=account.display_name)
    named = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
    recipients = tuple(each.parsed(field) for field, listed in named.items() for each in listed)
    message_id = f"<{secrets.token_hex(16)}@{settings.HOSTNAME}>"
    try:
        octets = compose(
            from_=sender.correspondent,
            to=[each.correspondent for each in message.to],
            cc=[each.correspondent for each in message.cc],
            subject=message.subject,
            text=message.text,
            html=message.html,
            in_reply_to=message.in_reply_to,
            references=message.references,
            message_id=message_id,
            date=now,
            attachments=[
                Attachment(each.filename, each.content_type, each.content) for each in message.attachments
            ],
        )
    except CannotCompose as error:
        raise MessageInvalid(str(error), field=None) from error
    return HandIn(octets, sender.parsed("from"), recipients, message_id)
