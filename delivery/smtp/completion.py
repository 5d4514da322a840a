"""From the octets of DATA or BDAT to the message as it is kept: checks that every message passes, fields added."""

import secrets
from collections.abc import Sequence

from django.conf import settings

from delivery.envelope import Envelope
from delivery.filters.results_fields import without_results_in_our_name
from delivery.smtp.authorship import require_own_authorship
from delivery.smtp.loops import delivered_to_field, require_no_circle
from delivery.smtp.session import Door, Session
from mailhost.protocols.dsn_fields import original_recipient_field
from mailhost.protocols.milter.answers import HeaderChange
from mailhost.protocols.milter.header_changes import apply_changes
from mailhost.protocols.smtp.header import (
    begins_with_a_field,
    field_names,
    header_end,
    scan_fields,
    without_fields,
)
from mailhost.protocols.smtp.message_data import has_bare_line_end, has_line_longer_than
from mailhost.protocols.smtp.replies import CommandRefused
from mailhost.protocols.smtp.trace_fields import (
    Hop,
    date_field,
    message_id_field,
    received_field,
    return_path_field,
)

# RFC 5322 section 3.6.3: who gets a blind copy is told to nobody. Return-Path is for final delivery (RFC 5321 4.4).
REMOVED_ON_SUBMISSION = frozenset({b"bcc", b"resent-bcc", b"return-path"})


async def complete(
    session: Session,
    octets: bytes,
    *,
    trace_id: str,
    results_field: bytes = b"",
    header_changes: Sequence[HeaderChange] = (),
) -> bytes:
    """The message with its trace fields. Raises CommandRefused.

    results_field: what we found out about where it is from; whoever said so in our name before did not.
    header_changes: what milters want, which were told the message without that.
    """
    envelope = session.envelope
    assert envelope is not None
    header = _header(octets)
    names = field_names(header)
    _require_bounds(octets, names, is_binary=envelope.body == "BINARYMIME")
    if session.principal is None:
        require_no_circle(envelope, header, names)
    added = [_trace_fields(session, envelope, trace_id), results_field]
    if session.principal is not None:
        fields = scan_fields(header)
        await require_own_authorship(session, header, fields)
        octets = without_fields(octets, [field for field in fields if field.name in REMOVED_ON_SUBMISSION])
        added += _missing_fields(session, names)
    else:
        octets = without_results_in_our_name(
            octets, name=session.host.name, max_header_octets=settings.SMTP_MAX_HEADER_OCTETS
        )
        octets = apply_changes(octets, header_changes)
    if not begins_with_a_field(octets):
        added.append(b"\r\n")  # or the first line of its text would look like a field of ours
    return b"".join((*added, octets))


def _header(octets: bytes) -> bytes:
    """Where there is none, and no blank line either, the end of the text is not looked for fields."""
    end = header_end(octets)
    if end <= settings.SMTP_MAX_HEADER_OCTETS:
        return octets[:end]
    if begins_with_a_field(octets):
        raise CommandRefused(554, "5.6.0", "The header of the message is too long")
    return b""


def _require_bounds(octets: bytes, names: list[bytes], *, is_binary: bool) -> None:
    """Binary octets have no lines to be measured (RFC 3030 section 3)."""
    if not is_binary and has_line_longer_than(octets, settings.SMTP_MAX_LINE_OCTETS):
        raise CommandRefused(554, "5.6.0", "The message has a line that is too long")
    if not is_binary and settings.SMTP_REFUSE_BARE_LINE_ENDS and has_bare_line_end(octets):
        raise CommandRefused(
            554, "5.6.0", "The message has a CR without LF, or an LF without CR (RFC 5321 section 2.3.8)"
        )
    if len(names) > settings.SMTP_MAX_HEADER_FIELDS:
        raise CommandRefused(554, "5.6.0", "The message has too many header fields")
    if names.count(b"received") > settings.SMTP_MAX_RECEIVED:
        raise CommandRefused(554, "5.4.6", "The message goes in circles: too many Received fields")


def _trace_fields(session: Session, envelope: Envelope, trace_id: str) -> bytes:
    version, cipher = session.connection.tls
    hop = Hop(
        helo=session.helo,
        peer=session.connection.peer,
        host=session.host.name,
        trace_id=trace_id,
        is_extended=session.is_extended,
        is_authenticated=session.principal is not None,
        is_smtputf8=envelope.is_smtputf8,
        is_lmtp=session.door is Door.LMTP,
        tls=version,
        cipher=cipher,
    )
    forward_paths = envelope.forward_paths
    only = str(forward_paths[0]) if len(forward_paths) == 1 else ""
    received = received_field(hop, forward_path=only, now=session.host.clock())
    # RFC 5321 section 4.4: Return-Path is for final delivery; the relay cuts it off where there is both.
    if session.principal is None:
        received = delivered_to_field(envelope) + received
    is_for_here = envelope.account_ids or envelope.coming_back
    if not is_for_here:
        return received
    return return_path_field(envelope.reverse_path) + _original_recipient(envelope) + received


def _original_recipient(envelope: Envelope) -> bytes:
    """RFC 8098 section 2.3, of the one recipient that there is: what was said of others is none of its business."""
    if len(envelope.asked) != 1 or envelope.relay or not envelope.asked[0].orcpt:
        return b""
    field = original_recipient_field(envelope.asked[0].orcpt, is_utf8=envelope.is_smtputf8)
    return f"{field}\r\n".encode()


def _missing_fields(session: Session, names: list[bytes]) -> list[bytes]:
    """RFC 6409 sections 8.2 and 8.3."""
    added = []
    if b"date" not in names:
        added.append(date_field(session.host.clock()))
    if b"message-id" not in names:
        added.append(message_id_field(unique=secrets.token_hex(16), host=session.host.name))
    return added
