"""What comes to a bounce address (VERP) as a notice of a failure, once it is taken: noted, and told to the sender in
our words. What else comes there (a delay, an answer of a program) is known at the door, and led to the sender as all
mail to him is (delivery/leading_back.py)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from delivery.models import DUE_STATES, QueuedRecipient
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from delivery.returned import stored_words
from delivery.returns.addresses import sent_with
from delivery.returns.reading import cause_of, note_bounce
from delivery.suppression_learning import Bounces
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.dsn_reading import Notice, ReadRecipient, read_notice
from mailhost.protocols.report_fields import MAX_OCTETS
from mailhost.protocols.verp import VerpInvalid

READ_CONTENT: Final = b"SELECT substring(octets FROM 1 FOR %s) FROM mailboxes_content WHERE id = %s"


def tells_of_failure(octets: bytes) -> bool:
    """Whether a message to a bounce address is a notice that something failed."""
    return _has_failed(read_notice(octets[:MAX_OCTETS]))


def sender_of(address: EmailAddress, *, now: datetime) -> EmailAddress | None:
    """Who has sent what a bounce address was made for; None where that is not known any more."""
    try:
        sent_to = sent_with(address, now=now)
        recipients = QueuedRecipient.objects.filter(pk=sent_to.recipient_id, message_id=sent_to.message_id)
        reverse_path = recipients.values_list("message__reverse_path", flat=True).first()
        return EmailAddress.parse(reverse_path, is_lenient=True) if reverse_path else None
    except (VerpInvalid, AddressSyntaxError):
        return None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a notice, and what is to be counted of it for suppression lists."""

    outcome: Outcome
    bounces: Bounces = field(default_factory=dict)


def settle(address: EmailAddress, *, content_id: int, here: Peer, now: datetime) -> Settled:
    """Notes what the notice says, and has it told to the sender. Raises VerpInvalid.

    In the caller's transaction, which counts the bounces with all others that it counts.
    """
    sent_to = sent_with(address, now=now)
    recipient = (
        QueuedRecipient.objects.filter(pk=sent_to.recipient_id, message_id=sent_to.message_id)
        .select_related("message")
        .first()
    )
    if recipient is None:  # the queue keeps it no longer: neither is it known who sent it
        return Settled(Delivered("It is about a message that is no longer kept here", here, is_final=True))
    said = _failure(_read(content_id), recipient.forward_path)
    if said is None:  # the door does not bring such: nothing passes here that no filter has seen
        return Settled(Bounced("5.7.1", "It is no notice of a failure", here))
    if recipient.state in DUE_STATES:  # the next host's notice was faster than its own reply
        return Settled(Deferred("4.3.0", "What became of the message is not written down yet", here))
    told, reporter = said
    is_new = note_bounce(
        recipient.pk, told, reporter=reporter, is_proven=True, tells_sender=True, is_counted=False, now=now
    )
    bounce = (recipient.forward_path, cause_of(told), stored_words(told.diagnostic))
    noted = Delivered("Noted with the message that it is about", here, is_final=True)
    return Settled(noted, {recipient.pk: bounce} if is_new else {})


def _read(content_id: int) -> Notice | None:
    with cursor() as sql:
        row = sql.execute(READ_CONTENT, (MAX_OCTETS, content_id)).fetchone()
    return read_notice(bytes(row[0])) if row else None


def _has_failed(notice: Notice | None) -> bool:
    return notice is not None and bool(notice.failed)


def _failure(notice: Notice | None, forward_path: str) -> tuple[ReadRecipient, str] | None:
    """What it says of the recipient (an address that was changed on the way, where it is the only one), and who."""
    if notice is None or not _has_failed(notice):
        return None
    own = forward_path.casefold()
    said = next(
        (each for each in notice.failed if own in (each.final.casefold(), each.original.casefold())),
        notice.failed[0],
    )
    return said, notice.reporting_host
