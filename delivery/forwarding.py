"""The reverse-path of what is passed on, and the way back from it (mailhost.protocols.srs).

The queue keeps the sender's own: it is rewritten when the message is taken to be sent, so notices of this host go
straight to the sender, and those of others come back to an address here that leads on to them.
"""

from dataclasses import replace
from datetime import datetime

from django.conf import settings

from delivery.relay.parcel import Parcel
from mailhost.net.secrets_at_rest import derived_secrets
from mailhost.protocols import srs
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

PURPOSE = "srs 1"


def with_way_back(parcel: Parcel, *, now: datetime) -> Parcel:
    """The parcel as it is sent. The null reverse-path stays null, and one that would be too long stays as it is."""
    message = parcel.message
    if not message.forwarded_by or not message.reverse_path:
        return parcel
    try:
        sender = EmailAddress.parse(message.reverse_path, is_lenient=True)
        rewritten = srs.rewrite(
            sender, domain=message.forwarded_by, secret=derived_secrets(PURPOSE)[0], now=now
        )
    except (AddressSyntaxError, srs.SrsInvalid):
        return parcel
    return replace(parcel, message=replace(message, reverse_path=str(rewritten)))


def sender_behind(address: EmailAddress, *, now: datetime) -> EmailAddress:
    """The sender that a rewritten address of ours leads back to. Raises SrsInvalid."""
    return srs.reverse(address, secrets=derived_secrets(PURPOSE), now=now, max_days=settings.SRS_DAYS)
