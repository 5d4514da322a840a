"""RCPT TO (RFC 5321 section 4.1.1.3; NOTIFY, ORCPT: RFC 3461): each recipient is routed here and now, so nothing is
bounced later for it."""

from typing import Final

from django.conf import settings

from delivery.returns.addresses import is_mail_system
from delivery.routing import AccountDisabled, Route
from delivery.smtp.guarding import allow_recipient, refuse_recipient
from delivery.smtp.replies import TOO_MANY_RECIPIENTS
from delivery.smtp.session import Door, Session, State
from delivery.suppression import STATUS, Suppressed, key_of
from domains.exceptions import AddressNotFound, DomainNotFound
from mailhost.protocols.smtp.commands import parse_rcpt
from mailhost.protocols.smtp.paths import ForwardPath
from mailhost.protocols.smtp.replies import Reply
from mailhost.protocols.smtp.trace_fields import address_literal

ALLOWED_IN: Final = frozenset({State.MAIL, State.RECIPIENTS})
REPORTS_ONLY: Final = Reply(550, "5.7.1", "Only reports of mail systems come to this address")
RECIPIENT_OK: Final = Reply(250, "2.1.5", "Recipient ok")


async def rcpt(session: Session, argument: str) -> Reply:
    """One more recipient."""
    envelope = session.envelope
    assert envelope is not None
    command = parse_rcpt(argument, is_extended=session.is_extended, is_smtputf8=envelope.is_smtputf8)
    session.named = str(command.forward_path)
    if len(envelope.forward_paths) >= settings.SMTP_MAX_RECIPIENTS:
        return TOO_MANY_RECIPIENTS
    await allow_recipient(session, command.forward_path)
    try:
        found = await session.host.route(
            forward_path=_without_literal(session, command.forward_path),
            size_octets=envelope.size_octets,
            may_relay=session.door is Door.SUBMISSION,
        )
    except (AddressNotFound, DomainNotFound, AccountDisabled) as fact:
        return await refuse_recipient(session, fact)
    if found.comes_back and not is_mail_system(envelope.reverse_path):
        return REPORTS_ONLY
    suppressed = await _suppressed(session, found)
    if suppressed is not None:
        return Reply(550, STATUS, suppressed.reply)
    envelope.add(command.forward_path, found, command.dsn)
    return RECIPIENT_OK


async def _suppressed(session: Session, found: Route) -> Suppressed | None:
    """Asked of what leaves this host under an account's own name: notices (with the null reverse-path) leave it too.
    Of an alias all that it leads to must be suppressed: else the others have it, and a notice tells (submitting.py)."""
    if not settings.SUPPRESS_REFUSES:
        return None  # as well
    envelope, suppressing = session.envelope, session.host.suppressing
    if suppressing is None or session.principal is None or envelope is None or not found.relay:
        return None
    if envelope.reverse_path.address is None or found.account_ids:
        return None
    known = await suppressing.among(session.principal, found.relay)
    suppressed = [known.get(key_of(address)) for address in found.relay]
    return suppressed[0] if all(suppressed) else None


def _without_literal(session: Session, forward_path: ForwardPath) -> ForwardPath:
    """postmaster@[our address] is this host's postmaster; no other mailbox is at an address literal (section 4.1.3)."""
    address = forward_path.address
    if address is None or not address.domain.startswith("[") or address.key[0] != "postmaster":
        return forward_path
    is_ours = address.domain == address_literal(session.connection.local)
    return ForwardPath(None) if is_ours else forward_path
