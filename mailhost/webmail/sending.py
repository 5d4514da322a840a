"""Sending and keeping what was written in webmail: submission (RFC 6409) without a wire."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction

from delivery.acceptance import Acceptance, accept_now
from delivery.routing import may_send_as
from delivery.sender_addresses import SenderAddress
from delivery.submission.admission import TooMuchWaits, admit
from delivery.submission.limits import SubmissionLimitReached
from delivery.submission.noting import note_placed
from delivery.suppression import RecipientsSuppressed, require_unsuppressed
from mailboxes.exceptions import (
    DiskNearlyFull,
    MailboxFact,
    MessageTooLarge,
    NotPermitted,
    QuotaExceeded,
)
from mailboxes.models import Account
from mailboxes.store.append import append, prepare
from mailboxes.store.expunge import expunge
from mailboxes.store.flags import store_flags
from mailboxes.store.hierarchy import create_mailbox
from mailboxes.store.values import Flag, MailboxEntry, NewMessage
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.message.composing import Attachment, CannotCompose, compose
from mailhost.protocols.message.reading import Correspondent
from mailhost.webmail.access import Desk
from mailhost.webmail.answering import Mode
from mailhost.webmail.recipients import Recipient
from mailhost.webmail.routes import NotSent, copies_of, route_all, ways_of

MAX_RECIPIENTS = 500  # typed by hand: more are a mailing, which wants a list server and its unsubscribe links


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What somebody wrote, and as whom."""

    sender: SenderAddress
    to: tuple[Recipient, ...]
    cc: tuple[Recipient, ...]
    bcc: tuple[Recipient, ...]
    subject: str
    text: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = field(default_factory=tuple)

    @property
    def recipients(self) -> dict[tuple[str, str], EmailAddress]:
        """Everybody it goes to, once."""
        return {each.address.key: each.address for each in (*self.to, *self.cc, *self.bcc)}


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent. release_at: None where it left at once; message_id: in the queue, None where it is not there."""

    message_id: int | None
    release_at: datetime | None


@dataclass(frozen=True, slots=True)
class Source:
    """The message that is answered, forwarded or, a draft, gone on with."""

    entry: MailboxEntry
    uid: int
    mode: Mode


def new_message_id() -> str:
    """Unique, and tells nothing of who wrote when (RFC 5322 section 3.6.4)."""
    return f"<{secrets.token_hex(16)}@{settings.HOSTNAME}>"


def send(
    desk: Desk,
    outgoing: Outgoing,
    *,
    source: Source | None,
    message_id: str,
    now: datetime,
    peer: str = "",
    not_before: datetime | None = None,
) -> Sent:
    """Delivers to local recipients, queues for the others, and keeps a copy in Sent: all in one transaction.

    What is not to leave before `not_before`, or can be undone, waits for all of them. Raises NotSent; then nothing was
    done.
    """
    recipients = outgoing.recipients
    if not recipients:
        raise NotSent(["Say who it goes to."])
    if len(recipients) > MAX_RECIPIENTS:
        raise NotSent([f"A message goes to at most {MAX_RECIPIENTS} recipients from here."])
    reverse_path = outgoing.sender.address
    if not may_send_as(account_id=desk.account.pk, addresses=[reverse_path]):
        raise NotSent([f"You may not send as {reverse_path} any more. Choose another address."])
    octets = _composed(outgoing, message_id=message_id, now=now)
    routes = route_all(recipients.values(), size_octets=len(octets))
    elsewhere = [address for address, found in routes.items() if address in found.relay]
    try:
        require_unsuppressed(account_id=desk.account.pk, addresses=elsewhere, now=now)
        admitted = admit(
            account_id=desk.account.pk,
            recipients=recipients.values(),
            peer=peer,
            now=now,
            not_before=not_before,
        )
    except RecipientsSuppressed as fact:
        raise NotSent(fact.sentences) from fact
    except (SubmissionLimitReached, TooMuchWaits) as reached:
        raise NotSent([f"{reached}. Your text is still here."]) from reached
    acceptance = Acceptance(
        octets=octets,
        **ways_of(routes, admitted, peer=peer, reverse_path=str(reverse_path)),
        reverse_path=str(reverse_path),
        submitted_by=desk.account.pk,
        save_in_sent=True,
        is_held=admitted.is_held,
        release_at=admitted.release_at,
        first_recipients=admitted.first_recipients,
        is_smtputf8=not all(
            address.local_part.isascii()
            for address in (reverse_path, *(each for found in routes.values() for each in found.relay))
        ),
    )
    try:
        with transaction.atomic():
            accepted = accept_now(acceptance, now=now)
            note_placed(
                [] if admitted.release_at else copies_of(routes),  # what waits is noted when it comes
                login=desk.account.login,
                reverse_path=str(reverse_path),
                message_id=message_id,
                size_octets=len(octets),
                is_held=admitted.is_held,
                now=now,
                onward=[each for each, found in routes.items() if found.relay or admitted.release_at],
                is_waiting=admitted.release_at is not None,
                subject=outgoing.subject,
            )
    except QuotaExceeded as fact:
        raise NotSent([_full(fact, desk.account)]) from fact
    except (MailboxFact, StoreUnavailable) as fact:
        raise NotSent([_worded(fact)]) from fact
    if source is not None:
        _mark_source(source, acting_id=desk.account.pk, now=now)
    return Sent(accepted.queued_message_id, admitted.release_at)


def save_draft(
    desk: Desk, outgoing: Outgoing, *, source: Source | None, message_id: str, now: datetime
) -> tuple[MailboxEntry, int]:
    """Keeps it in Drafts, in the place of the draft it was; the mailbox and UID. Raises NotSent."""
    octets = _composed(outgoing, message_id=message_id, now=now)
    if outgoing.bcc:  # only a draft says it; what is sent never does
        bcc = ",\r\n ".join(str(each.address) for each in outgoing.bcc if str(each.address).isascii())
        octets = f"Bcc: {bcc}\r\n".encode() + octets
    drafts = desk.by_use("\\Drafts") or create_mailbox(
        account_id=desk.account.pk, name="Drafts", special_use="\\Drafts", now=now
    )
    message = NewMessage(prepare(octets), Flag.DRAFT | Flag.SEEN)
    try:
        appended = append(
            account_id=desk.account.pk, mailbox_id=drafts.mailbox_id, contents=[message], now=now
        )
    except QuotaExceeded as fact:
        raise NotSent([_full(fact, desk.account)]) from fact
    except MailboxFact as fact:
        raise NotSent([_worded(fact)]) from fact
    if source is not None and source.mode is Mode.DRAFT:
        _mark_source(source, acting_id=desk.account.pk, now=now)
    return drafts, appended.uids[0]


def _composed(outgoing: Outgoing, *, message_id: str, now: datetime) -> bytes:
    try:
        return compose(
            from_=Correspondent(outgoing.sender.display_name, str(outgoing.sender.address)),
            to=[each.correspondent for each in outgoing.to],
            cc=[each.correspondent for each in outgoing.cc],
            subject=outgoing.subject,
            text=outgoing.text,
            in_reply_to=outgoing.in_reply_to,
            references=outgoing.references,
            message_id=message_id,
            date=now,
            attachments=outgoing.attachments,
        )
    except CannotCompose as error:
        raise NotSent([str(error)]) from error


def _full(fact: QuotaExceeded, account: Account) -> str:
    if account.pk in fact.account_ids:
        return "Your mailbox is full: there is no room for the copy in Sent. Delete something first."
    return "The mailbox of a recipient is full."


def _worded(fact: Exception) -> str:
    if isinstance(fact, MessageTooLarge):
        return "The message is too large. Send smaller files, or fewer of them."
    if isinstance(fact, DiskNearlyFull):
        return "This host has hardly any disk left and takes no messages just now. Try again later."
    if isinstance(fact, StoreUnavailable):
        return "The database is away. Try again in a moment: your text is still here."
    return str(fact)


def _mark_source(source: Source, *, acting_id: int, now: datetime) -> None:
    """The answered message is marked so; a draft that was sent or saved anew is gone.

    In a mailbox of others it is left as it is where that is not allowed: the message is sent all the same.
    """
    mailbox_id, uids = source.entry.mailbox_id, [source.uid]
    try:
        if source.mode is Mode.DRAFT:
            expunge(mailbox_id=mailbox_id, uids=uids, only_deleted=False, acting_id=acting_id, now=now)
            return
        is_forward = source.mode is Mode.FORWARD
        store_flags(
            mailbox_id=mailbox_id,
            uids=uids,
            mode="add",
            flags=Flag(0) if is_forward else Flag.ANSWERED,
            keywords=["$Forwarded"] if is_forward else (),
            acting_id=acting_id,
            now=now,
        )
    except NotPermitted:
        return
