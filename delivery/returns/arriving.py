"""What comes to a bounce address (VERP), once it is taken: what failed is noted and told to the sender in our words;
whatever else it is (a delay, a confirmation, an answer of a program) goes to the sender as it came."""

from datetime import datetime
from typing import Final

from delivery.models import DUE_STATES, QueuedRecipient
from delivery.relay.outcome import Deferred, Delivered, Outcome, Peer
from delivery.returns.addresses import sent_with
from delivery.returns.reading import note_bounce
from mailhost.net.database import cursor
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dsn_reading import Notice, ReadRecipient, read_notice
from mailhost.protocols.report_fields import MAX_OCTETS

READ_CONTENT: Final = b"SELECT substring(octets FROM 1 FOR %s) FROM mailboxes_content WHERE id = %s"


def settle(address: EmailAddress, *, content_id: int, here: Peer, now: datetime) -> Outcome | str:
    """What became of the notice, or the address of the sender who is to have it. Raises VerpInvalid.

    In the caller's transaction.
    """
    sent_to = sent_with(address, now=now)
    recipient = (
        QueuedRecipient.objects.filter(pk=sent_to.recipient_id, message_id=sent_to.message_id)
        .select_related("message")
        .first()
    )
    if recipient is None:  # the queue keeps it no longer: neither is it known who sent it
        return Delivered("It is about a message that is no longer kept here", here, is_final=True)
    said = _failure(_read(content_id), recipient.forward_path)
    if said is None:
        return recipient.message.reverse_path
    if recipient.state in DUE_STATES:  # the next host's notice was faster than its own reply
        return Deferred("4.3.0", "What became of the message is not written down yet", here)
    told, reporter = said
    note_bounce(recipient.pk, told, reporter=reporter, is_proven=True, tells_sender=True, now=now)
    return Delivered("Noted with the message that it is about", here, is_final=True)


def _read(content_id: int) -> Notice | None:
    with cursor() as sql:
        row = sql.execute(READ_CONTENT, (MAX_OCTETS, content_id)).fetchone()
    return read_notice(bytes(row[0])) if row else None


def _failure(notice: Notice | None, forward_path: str) -> tuple[ReadRecipient, str] | None:
    """What it says of the recipient (an address that was changed on the way, where it is the only one), and who."""
    if notice is None or not notice.failed:
        return None
    own = forward_path.casefold()
    said = next(
        (each for each in notice.failed if own in (each.final.casefold(), each.original.casefold())),
        notice.failed[0],
    )
    return said, notice.reporting_host
