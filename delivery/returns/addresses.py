"""Bounce addresses (VERP, mailhost.protocols.verp) of what is sent, and what was sent with one that comes back.

As with SRS the queue keeps the sender's own reverse-path: notices of this host go straight to the sender.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from delivery.relay.parcel import OutgoingMessage, OutgoingRecipient, Parcel
from domains import lookup
from mailhost.net.secrets_at_rest import derived_secrets
from mailhost.protocols import verp
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.paths import ReversePath

PURPOSE = "verp 1"
MAIL_SYSTEMS = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "double-bounce"})


def with_bounce_addresses(parcels: Sequence[Parcel]) -> list[Parcel]:
    """The parcels as they are sent: of our own senders' mail one for each recipient, with an address of its own.

    The null reverse-path stays null; what is passed on for strangers has SRS's (delivery/forwarding.py).
    """
    senders = {each.message.reverse_path: _sender(each.message) for each in parcels}
    hosted = {
        domain: lookup.is_hosted(domain=domain)
        for domain in {address.domain for address in senders.values() if address}
    }
    made = []
    for parcel in parcels:
        sender = senders[parcel.message.reverse_path]
        if sender is None or parcel.message.forwarded_by or not hosted[sender.domain]:
            made.append(parcel)
        else:
            made += [_with_address(parcel.message, each, sender.domain) for each in parcel.recipients]
    return made


def _sender(message: OutgoingMessage) -> EmailAddress | None:
    try:
        return EmailAddress.parse(message.reverse_path, is_lenient=True) if message.reverse_path else None
    except AddressSyntaxError:
        return None


def _with_address(message: OutgoingMessage, recipient: OutgoingRecipient, domain: str) -> Parcel:
    """One that would be too long leaves the message as it is."""
    try:
        address = verp.bounce_address(
            verp.SentTo(message.message_id, recipient.recipient_id),
            domain=domain,
            until=message.expires_at,
            secret=derived_secrets(PURPOSE)[0],
        )
    except verp.VerpInvalid:
        return Parcel(message, (recipient,))
    return Parcel(replace(message, reverse_path=str(address)), (recipient,))


def sent_with(address: EmailAddress, *, now: datetime) -> verp.SentTo:
    """What was sent with a bounce address of ours. Raises VerpInvalid."""
    return verp.read_bounce_address(
        address, secrets=derived_secrets(PURPOSE), now=now, max_days=settings.VERP_DAYS
    )


def is_mail_system(reverse_path: ReversePath) -> bool:
    """Who may write to a bounce address: the null reverse-path, and systems that do not know of it."""
    return reverse_path.address is None or reverse_path.address.key[0] in MAIL_SYSTEMS


def proven_recipient(addresses: Iterable[str], *, now: datetime) -> verp.SentTo | None:
    """What was sent with the first of these addresses that is a bounce address of ours; None where none is."""
    for each in addresses:
        try:
            return sent_with(EmailAddress.parse(each, is_lenient=True), now=now)
        except (AddressSyntaxError, verp.VerpInvalid):
            continue
    return None
