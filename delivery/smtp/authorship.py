"""Who may stand in From and Sender of what an account submits (RFC 6409 section 6.1): the account itself, or one that
has lent it its name."""

from collections.abc import Sequence
from typing import Final

from delivery.routing import may_send_as
from delivery.smtp.session import Session
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.header import Field, is_well_formed
from mailhost.protocols.smtp.originators import parse_originators
from mailhost.protocols.smtp.replies import CommandRefused

MAX_AUTHORS: Final = 20  # each is looked up; messages with two are rare


async def require_own_authorship(session: Session, header: bytes, fields: Sequence[Field]) -> None:
    """Raises CommandRefused unless there is one From, at most one Sender, and the account may write as all in them."""
    assert session.principal is not None
    if not is_well_formed(header):
        raise CommandRefused(554, "5.6.0", "The header has a line that is no field, a bare CR or a NUL")
    authors = _addresses(header, [field for field in fields if field.name == b"from"], "From")
    if not authors:
        raise CommandRefused(550, "5.7.1", "The message needs one From field with an address of this account")
    senders = _addresses(header, [field for field in fields if field.name == b"sender"], "Sender")
    unknown = [address for address in (*authors, *senders) if address.key not in session.own_addresses]
    if len(unknown) > MAX_AUTHORS:
        raise CommandRefused(550, "5.7.1", "The From field has too many addresses")
    if unknown and not await in_store(
        may_send_as, account_id=session.principal.account_id, addresses=unknown
    ):
        raise CommandRefused(550, "5.7.1", "From or Sender has an address that is not this account's")


def _addresses(header: bytes, fields: Sequence[Field], name: str) -> list[EmailAddress]:
    if len(fields) > 1:
        # Readers differ in which one they show.
        raise CommandRefused(550, "5.7.1", f"The message has more than one {name} field")
    try:
        return [
            address
            for field in fields
            for address in parse_originators(header[field.value_start : field.end])
        ]
    except AddressSyntaxError as error:
        raise CommandRefused(550, "5.7.1", f"The {name} field cannot be read: {error}") from error
