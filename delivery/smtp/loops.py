"""Mail that goes in circles (RFC 5321 section 6.3), found by Delivered-To (RFC 9228) where we are part of the circle.

A circle through this host needs somebody here whose mail leads elsewhere. So only then, and where there is one
recipient, the message gets a Delivered-To: it costs nothing, tells nobody of other recipients, and the message that
comes back is known at once and not after a hundred rounds. What stays here gets none: contents are shared by
recipients, and a message that is put in again on purpose (fetched from another host, sent on by its reader) would look
like a circle. The count of Received fields (completion.py) finds all other circles.
"""

from typing import Final

from delivery.envelope import Envelope
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.header import scan_fields
from mailhost.protocols.smtp.replies import CommandRefused

MAX_LOOKED_AT: Final = 100  # Delivered-To fields; more hops than that are a circle by their Received fields


def delivered_to_field(envelope: Envelope) -> bytes:
    """The field for mail that leads elsewhere; empty for any other."""
    forward_paths = envelope.forward_paths
    if not envelope.relay or len(forward_paths) != 1 or forward_paths[0].address is None:
        return b""
    return f"Delivered-To: {forward_paths[0]}\r\n".encode()


def require_no_circle(envelope: Envelope, header: bytes, names: list[bytes]) -> None:
    """Raises CommandRefused where every recipient leads elsewhere and has had this message before."""
    if not envelope.relay or b"delivered-to" not in names:
        return
    seen = _delivered_to(header)
    if all(
        route.relay and path.address is not None and path.address.key in seen
        for path, route in zip(envelope.forward_paths, envelope.routes, strict=True)
    ):
        raise CommandRefused(
            554, "5.4.6", "The message goes in circles: it was delivered to this address before"
        )


def _delivered_to(header: bytes) -> set[tuple[str, str]]:
    seen = set()
    fields = [field for field in scan_fields(header) if field.name == b"delivered-to"]
    for field in fields[:MAX_LOOKED_AT]:
        text = header[field.value_start : field.end].decode("utf-8", "replace")
        try:
            seen.add(EmailAddress.parse(text.strip(" \t\r\n<>"), is_lenient=True).key)
        except AddressSyntaxError:
            continue
    return seen
