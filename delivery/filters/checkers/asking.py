"""A message that comes in as a case for the checkers."""

from typing import Final

from django.conf import settings

from delivery.filters.checkers.case import Case, Opinion
from delivery.filters.checkers.checking import Checkers
from delivery.filters.incoming import Incoming
from delivery.filters.look_ups import LookUps
from delivery.filters.results_fields import without_results_in_our_name
from mailhost.protocols.iprev import iprev
from mailhost.protocols.smtp.header import begins_with_a_field, field_names, header_end

NOTHING: Final = Opinion()


async def ask_checkers(
    message: Incoming, checkers: Checkers | None, *, host_name: str, look_ups: LookUps | None
) -> Opinion:
    """What they say; nothing where there are none. look_ups: None where the client's name cannot be looked up."""
    if not checkers or not _will_be_taken(message.octets):
        return NOTHING
    # The same questions that iprev asks as a check of its own: each is asked of DNS once.
    name = (await iprev(ip=message.peer, resolver=look_ups)).name if look_ups is not None else ""
    return await checkers.look(
        Case(
            octets=without_results_in_our_name(
                message.octets, name=host_name, max_header_octets=settings.SMTP_MAX_HEADER_OCTETS
            ),
            peer=str(message.peer),
            helo=message.helo,
            reverse_path=message.reverse_path,
            forward_paths=message.forward_paths,
            trace_id=message.trace_id,
            host_name=host_name,
            client_name=name,
            tls=message.tls,
        )
    )


def _will_be_taken(octets: bytes) -> bool:
    """False where the header is refused in any case (delivery/smtp/completion.py): a milter is told each field."""
    if not begins_with_a_field(octets):
        return True
    end = header_end(octets)
    if end > settings.SMTP_MAX_HEADER_OCTETS:
        return False
    return len(field_names(octets[:end])) <= settings.SMTP_MAX_HEADER_FIELDS
