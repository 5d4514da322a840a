"""MAIL FROM (RFC 5321 section 4.1.1.2; SIZE: RFC 1870; RET, ENVID: RFC 3461; REQUIRETLS: RFC 8689; HOLDFOR, HOLDUNTIL:
RFC 4865)."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from delivery.envelope import Envelope
from delivery.smtp.commands.auth import mechanisms
from delivery.smtp.guarding import allow_message
from delivery.smtp.replies import (
    AUTHENTICATION_REQUIRED,
    DISK_NEARLY_FULL,
    MESSAGE_TOO_BIG,
    NOT_YOUR_ADDRESS,
    REQUIRETLS_NEEDS_TLS,
    STARTTLS_REQUIRED,
)
from delivery.smtp.session import Door, Session, State, max_message_octets
from delivery.smtp.submitting import require_room_for_waiting
from mailhost.net.disk import has_room
from mailhost.protocols.smtp.commands import parse_mail
from mailhost.protocols.smtp.deliver_by import DeliverBy
from mailhost.protocols.smtp.future_release import FutureRelease
from mailhost.protocols.smtp.paths import ReversePath
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALLOWED_IN: Final = frozenset({State.GREETED})
SENDER_OK: Final = Reply(250, "2.1.0", "Sender ok")


async def mail(session: Session, argument: str) -> Reply:
    """Begins a transaction."""
    if session.door is Door.SUBMISSION and session.principal is None:
        return AUTHENTICATION_REQUIRED if mechanisms(session) else STARTTLS_REQUIRED
    command = parse_mail(argument, is_extended=session.is_extended)
    if command.size_octets > max_message_octets():
        return MESSAGE_TOO_BIG
    if command.requires_tls and not session.connection.is_tls:
        return REQUIRETLS_NEEDS_TLS
    if not has_room():
        return DISK_NEARLY_FULL
    if session.principal is not None and not await _is_own(session, command.reverse_path):
        return NOT_YOUR_ADDRESS
    release_at = _release_at(session, command.future_release)
    if release_at is not None:
        await require_room_for_waiting(session)
    deliver_by = _deliver_by(session, command.deliver_by, release_at)
    await allow_message(session, command.reverse_path)
    session.envelope = Envelope(
        command.reverse_path,
        command.size_octets,
        command.body,
        command.is_smtputf8,
        command.ret,
        command.envid,
        command.requires_tls,
        release_at,
        command.future_release.request if command.future_release else "",
        deliver_by,
        command.deliver_by.mode if command.deliver_by else "",
    )
    return SENDER_OK


def _release_at(session: Session, asked: FutureRelease | None) -> datetime | None:
    """Raises CommandRefused: what cannot be kept so long, or not at all, is not taken (RFC 4865 section 4.2, 7 to
    11)."""
    if asked is None:
        return None
    most = settings.FUTURE_RELEASE_MAX_SECONDS
    if session.door is not Door.SUBMISSION or not most:
        raise CommandRefused(555, "5.5.4", "HOLDFOR and HOLDUNTIL are not known here")
    now = session.host.clock()
    release_at = asked.release_at(now=now)
    if release_at > now + timedelta(seconds=most):
        raise CommandRefused(501, "5.5.4", f"Nothing is kept here for more than {most} seconds")
    if release_at <= now:
        # Clients that mean a moment that is over have the year or the zone wrong, and it could not be called back.
        raise CommandRefused(501, "5.5.4", "The moment of HOLDUNTIL is over")
    return release_at


def _deliver_by(session: Session, asked: DeliverBy | None, release_at: datetime | None) -> datetime | None:
    """Raises CommandRefused: where it is not offered, and in either mode where it would be over before the message is
    let go (RFC 4865 section 5.2.2)."""
    if asked is None:
        return None
    if session.door is not Door.SUBMISSION:
        raise CommandRefused(555, "5.5.4", "BY is not known here")
    moment = asked.moment(now=session.host.clock())
    if release_at is not None and moment <= release_at:
        raise CommandRefused(501, "5.5.4", "BY would be over before the message may leave")
    return moment


async def _is_own(session: Session, reverse_path: ReversePath) -> bool:
    """The null reverse-path is everybody's: RFC 8098 section 3 has clients send MDNs with it. From is checked still."""
    address = reverse_path.address
    if session.principal is None or address is None:
        return True
    if not await session.host.may_send_as(account_id=session.principal.account_id, address=address):
        return False
    session.own_addresses.add(address.key)
    return True
