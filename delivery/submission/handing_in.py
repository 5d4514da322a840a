"""Submission (RFC 6409) without a session: what webmail and the API hand in takes one way and every check."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from delivery.acceptance import Acceptance, accept_now
from delivery.routing import may_send_as
from delivery.submission.admission import admit
from delivery.submission.noting import note_placed
from delivery.submission.once import Once, claim, find, keep
from delivery.submission.ways import copies_of, route_all, ways_of
from delivery.suppression import key_of, require_unsuppressed, suppressed_among
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress

MAX_RECIPIENTS: Final = 500  # more are a mailing, which wants a list server and its unsubscribe links


class NoRecipients(Exception):
    """A message that goes to nobody."""

    def __init__(self) -> None:
        super().__init__("Say who it goes to.")


class TooManyRecipients(Exception):
    """A message that goes to more than one may."""

    def __init__(self) -> None:
        super().__init__(f"A message goes to at most {MAX_RECIPIENTS} recipients from here.")


class SenderRefused(Exception):
    """The account may not send as this address."""

    def __init__(self, address: EmailAddress | str) -> None:
        super().__init__(f"This account may not send as {address}.")


@dataclass(frozen=True, slots=True)
class HandIn:
    """Complete octets (RFC 5322) and the envelope; message_id: their Message-ID."""

    octets: bytes
    reverse_path: EmailAddress
    recipients: tuple[EmailAddress, ...]
    message_id: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """queued_id: in the queue, None where it is not there; release_at: None where it left at once; is_replay: it was
    handed in before, with the same key.
    """

    message_id: str
    queued_id: int | None
    release_at: datetime | None
    is_held: bool
    is_replay: bool = False


def hand_in(
    given: HandIn,
    *,
    account: Account,
    peer: str,
    now: datetime,
    not_before: datetime | None = None,
    once: Once | None = None,
) -> HandedIn:
    """Delivers to recipients here, queues for the others, and keeps a copy in Sent: all in one transaction.

    What is not to leave before `not_before`, or can be undone, waits for all of them. peer: the address that it came
    from, "" where that is nobody's business. once: of two with the same key one is taken, and told twice.

    Raises NoRecipients, TooManyRecipients, SenderRefused, RecipientsRefused, RecipientsSuppressed,
    SubmissionLimitReached, TooMuchWaits, IdempotencyKeyReused, and the facts of accept_now; then nothing was done.
    """
    recipients = {each.key: each for each in given.recipients}
    if not recipients:
        raise NoRecipients
    if len(recipients) > MAX_RECIPIENTS:
        raise TooManyRecipients
    if not may_send_as(account_id=account.pk, addresses=[given.reverse_path]):
        raise SenderRefused(given.reverse_path)
    routes = route_all(recipients.values(), size_octets=len(given.octets))
    elsewhere = [address for address, found in routes.items() if address in found.relay]
    require_unsuppressed(account_id=account.pk, addresses=elsewhere, now=now)
    behind = [key_of(each) for found in routes.values() for each in found.relay if each not in elsewhere]
    suppressed = suppressed_among(account_id=account.pk, addresses=behind, now=now) if behind else {}
    # Not in the transaction below: who runs into a limit is told of by mail, whatever becomes of the message.
    admitted = admit(
        account_id=account.pk, recipients=recipients.values(), peer=peer, now=now, not_before=not_before
    )
    reverse_path = str(given.reverse_path)
    acceptance = Acceptance(
        octets=given.octets,
        **ways_of(routes, admitted, peer=peer, reverse_path=reverse_path),
        reverse_path=reverse_path,
        submitted_by=account.pk,
        save_in_sent=True,
        is_held=admitted.is_held,
        release_at=admitted.release_at,
        first_recipients=admitted.first_recipients,
        suppressed=tuple(suppressed),  # behind an alias: the others have it, and a notice tells
        is_smtputf8=not all(
            address.local_part.isascii()
            for address in (given.reverse_path, *(each for found in routes.values() for each in found.relay))
        ),
    )
    with transaction.atomic():
        if once is not None and (earlier := claim(once, now=now)) is not None:
            return _replayed(earlier)
        accepted = accept_now(acceptance, now=now)
        note_placed(
            [] if admitted.release_at else copies_of(routes),  # what waits is noted when it comes
            login=account.login,
            reverse_path=reverse_path,
            message_id=given.message_id,
            size_octets=len(given.octets),
            is_held=admitted.is_held,
            now=now,
            onward=[each for each, found in routes.items() if found.relay or admitted.release_at],
            is_waiting=admitted.release_at is not None,
            content_id=accepted.content_id,
        )
        handed_in = HandedIn(
            given.message_id, accepted.queued_message_id, admitted.release_at, admitted.is_held
        )
        if once is not None:
            keep(once, _told(handed_in))
    return handed_in


def replay(once: Once) -> HandedIn | None:
    """What was told the first time, if there was one. Raises IdempotencyKeyReused."""
    earlier = find(once)
    return None if earlier is None else _replayed(earlier)


def _told(handed_in: HandedIn) -> dict[str, object]:
    release_at = handed_in.release_at
    return {
        "message_id": handed_in.message_id,
        "queued_id": handed_in.queued_id,
        "release_at": release_at.isoformat() if release_at else None,
        "is_held": handed_in.is_held,
    }


def _replayed(told: dict[str, object]) -> HandedIn:
    queued_id, release_at = told["queued_id"], told["release_at"]
    return HandedIn(
        message_id=str(told["message_id"]),
        queued_id=queued_id if isinstance(queued_id, int) else None,
        release_at=datetime.fromisoformat(release_at) if isinstance(release_at, str) else None,
        is_held=bool(told["is_held"]),
        is_replay=True,
    )
