"""What an account submits is counted against its limits; what a hijacked one submits is held (RFC 6409 section 4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from delivery.envelope import Envelope
from delivery.filters.recording import Judged
from delivery.smtp.session import Session
from delivery.submission.admission import TooMuchWaits, held_copies, require_room
from delivery.submission.limits import SubmissionLimitReached
from mailboxes.authentication import Principal
from mailhost.net.store_threads import in_store
from mailhost.protocols.smtp.replies import CommandRefused

TOO_MUCH_WAITS: Final = (552, "5.7.16")  # RFC 4865 section 6


@dataclass(frozen=True, slots=True)
class Submitted:
    """As in Acceptance."""

    is_held: bool
    first_recipients: tuple[str, ...]
    plain_ids: tuple[int, ...]
    judged: tuple[Judged, ...]
    release_at: datetime | None = None


async def require_room_for_waiting(session: Session) -> None:
    """Raises CommandRefused where what the account has waiting is as much as it may be (RFC 4865 section 6)."""
    if session.principal is not None:
        try:
            await in_store(require_room, account_id=session.principal.account_id)
        except TooMuchWaits as fact:
            raise CommandRefused(*TOO_MUCH_WAITS, str(fact)) from fact


async def admit_submission(session: Session, *, trace_id: str) -> Submitted:
    """Counts the message. Raises CommandRefused: 450, so that a client tries again (RFC 5321 4.2.1), or 552."""
    envelope, principal = session.envelope, session.principal
    assert envelope is not None
    assert principal is not None
    peer = session.connection.peer
    try:
        admitted = await session.host.admit(
            account_id=principal.account_id,
            recipients=[path.address for path in envelope.forward_paths if path.address is not None],
            peer=peer,
            now=session.host.clock(),
            not_before=envelope.release_at,
        )
    except SubmissionLimitReached as reached:
        raise CommandRefused(450, "4.7.1", str(reached)) from reached
    except TooMuchWaits as fact:
        raise CommandRefused(*TOO_MUCH_WAITS, str(fact)) from fact
    _require_time(envelope, admitted.release_at)
    envelope.suppressed = await _suppressed(session, envelope, principal)
    if admitted.release_at is not None:
        return Submitted(admitted.is_held, admitted.first_recipients, (), (), admitted.release_at)
    account_ids = tuple(envelope.account_ids)
    if not admitted.is_held:
        return Submitted(False, admitted.first_recipients, account_ids, ())
    held = held_copies(account_ids, trace_id=trace_id, peer=peer, reverse_path=str(envelope.reverse_path))
    return Submitted(True, (), (), held)


def _require_time(envelope: Envelope, release_at: datetime | None) -> None:
    """Mode R returns at its time what the account's own time to undo keeps longer: MAIL has seen to HOLDFOR and
    HOLDUNTIL alone. Raises CommandRefused.
    """
    deliver_by = envelope.deliver_by if envelope.deliver_by_mode.startswith("R") else None
    if deliver_by is not None and release_at is not None and deliver_by <= release_at:
        raise CommandRefused(554, "5.4.7", "BY is over before the time to undo what this account sends")


async def _suppressed(session: Session, envelope: Envelope, principal: Principal) -> tuple[str, ...]:
    """Whom RCPT has not refused for it: nobody is refused, or an alias leads to others as well. What has the null
    reverse-path is a notice, and told to whom it concerns."""
    suppressing = session.host.suppressing
    if suppressing is None or envelope.reverse_path.address is None:
        return ()
    asked = list(envelope.relay.values())
    if settings.SUPPRESS_REFUSES:
        aliases = envelope.led_from
        asked = [address for address in asked if address.key in aliases]
    return tuple(await suppressing.among(principal, asked)) if asked else ()
