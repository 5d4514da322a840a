"""Sending and keeping what was written in webmail: submission (RFC 6409) without a wire."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from delivery.sender_addresses import SenderAddress
from delivery.submission.admission import TooMuchWaits
from delivery.submission.handing_in import HandIn, NoRecipients, SenderRefused, TooManyRecipients, hand_in
from delivery.submission.limits import SubmissionLimitReached
from delivery.submission.ways import RecipientsRefused
from delivery.suppression import RecipientsSuppressed
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


class NotSent(Exception):
    """The message was not sent; each text is a sentence for its writer."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(" ".join(self.reasons))


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
    """Hands it in (delivery.submission.handing_in), and marks the message that it comes from.

    Raises NotSent; then nothing was done.
    """
    reverse_path = outgoing.sender.address
    octets = _composed(outgoing, message_id=message_id, now=now)
    given = HandIn(octets, reverse_path, tuple(outgoing.recipients.values()), message_id)
    try:
        handed_in = hand_in(given, account=desk.account, peer=peer, now=now, not_before=not_before)
    except (NoRecipients, TooManyRecipients) as refused:
        raise NotSent([str(refused)]) from refused
    except SenderRefused as refused:
        raise NotSent([f"You may not send as {reverse_path} any more. Choose another address."]) from refused
    except RecipientsRefused as refused:
        raise NotSent(refused.reasons) from refused
    except RecipientsSuppressed as refused:
        raise NotSent(refused.sentences) from refused
    except (SubmissionLimitReached, TooMuchWaits) as reached:
        raise NotSent([f"{reached}. Your text is still here."]) from reached
    except QuotaExceeded as fact:
        raise NotSent([_full(fact, desk.account)]) from fact
    except (MailboxFact, StoreUnavailable) as fact:
        raise NotSent([_worded(fact)]) from fact
    if source is not None:
        _mark_source(source, acting_id=desk.account.pk, now=now)
    return Sent(handed_in.queued_id, handed_in.release_at)


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
