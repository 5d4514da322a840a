"""What a submission without a session notes in the trace: who has it here already, as SMTP's sessions note it.

Its sender is told by that what became of it (delivery/status.py), and its recipients among their deliveries.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from delivery.models.trace import Outcome
from delivery.trace import Noted, write
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
) -> None:
    """copies: the recipients that lead to accounts here, each with the account; is_held: to be looked at first.

    In the caller's transaction.
    """
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
            outcome=Outcome.QUARANTINED if is_held else Outcome.ACCEPTED,
            reply="Held for an operator to look at" if is_held else "Delivered here",
        )
        for address, account_id in copies
    ]
    if noted:
        write(noted)
