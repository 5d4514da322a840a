"""What a submission without a session notes in the trace, as SMTP's sessions note it.

Its sender is told by that what became of it (delivery/status.py), and its recipients among their deliveries.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from delivery.models.trace import Outcome
from delivery.trace import MAX_SUBJECT, Noted, write
from mailboxes.models import Content
from mailhost.protocols.addresses import EmailAddress


def note_placed(
    copies: Iterable[tuple[EmailAddress, int]],
    *,
    login: str,
    reverse_path: str,
    message_id: str,
    size_octets: int,
    is_held: bool,
    now: datetime,
    onward: Iterable[EmailAddress] = (),
    is_waiting: bool = False,
    content_id: int | None = None,
) -> None:
    """copies: the recipients that lead to accounts here, each with the account; onward: those for whom it is in the
    queue now; is_held: to be looked at first. is_waiting: what is in the queue is to leave later. content_id: of the
    message, for its subject where subjects are kept.

    In the caller's transaction.
    """
    here = (
        (Outcome.QUARANTINED, "Held for an operator to look at")
        if is_held
        else (Outcome.ACCEPTED, "Delivered here")
    )
    there = (
        (Outcome.WAITING, "In the queue, to leave later") if is_waiting else (Outcome.RELAYED, "In the queue")
    )
    if is_held:
        there = (there[0], "In the queue, held for an operator to look at")
    subject = ""
    if settings.TRACE_SUBJECTS and content_id is not None:
        subjects = Content.objects.filter(pk=content_id).values_list("subject", flat=True)
        subject = (subjects.first() or "")[:MAX_SUBJECT]
    noted = [
        Noted(
            at=now,
            session="",
            trace_id="",
            peer=settings.HOSTNAME,  # where its writer sits is nobody's business
            helo="",
            tls="",
            login=login,
            reverse_path=reverse_path,
            forward_path=str(address),
            domain=address.domain,
            account_id=account_id,
            message_id=message_id,
            size_octets=size_octets,
            outcome=outcome,
            reply=reply,
            subject=subject,
        )
        for address, account_id, (outcome, reply) in (
            *((address, account_id, here) for address, account_id in copies),
            *((address, None, there) for address in onward),
        )
    ]
    if noted:
        write(noted)
