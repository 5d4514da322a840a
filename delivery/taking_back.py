"""What was sent and waits still: shown to its sender, who may take it back (undo send, RFC 4865).

Taking back is one transaction: the message leaves the queue and the Outbox, and it is a draft again. Whom mail to its
reverse-path reaches may take it back, as those who share an address answer for what leaves under it. Whom somebody has
lent a name to send as reads nothing of his mail, and nothing of this.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from delivery.hidden_recipients import with_hidden
from delivery.models import QueuedMessage, RecipientState
from delivery.queue.waiting import TooLate, stop
from delivery.routing import reaches
from domains.models import AliasTarget
from mailboxes.exceptions import MailboxFact
from mailboxes.models import Account, Content, Mailbox, Message
from mailboxes.store.append import append, prepare
from mailboxes.store.copy_and_move import move_messages
from mailboxes.store.expunge import expunge
from mailboxes.store.flags import store_flags
from mailboxes.store.hierarchy import create_mailbox, sent_mailbox
from mailboxes.store.locks import lock_usage
from mailboxes.store.values import Flag, NewMessage
from mailhost.audit.trail import record
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.header import header_end, scan_fields, without_fields

MAX_ALIASES = 100  # that are asked for when somebody looks at what waits

MAX_STANDING = 1_000  # that are told apart from what else lies in a mailbox

# What this host has put on it: a draft has gone nowhere.
TRACE_FIELDS = frozenset({b"received", b"return-path"})
STILL = (RecipientState.WAITING, RecipientState.HELD)
# As queue/waiting.py sees it: neither taken out of the Outbox nor marked \Deleted there.
STANDS = Q(outbox_uid=None) | Exists(
    Message.objects.annotate(deleted=F("flags").bitand(int(Flag.DELETED))).filter(
        mailbox_id=OuterRef("outbox_mailbox_id"), uid=OuterRef("outbox_uid"), deleted=0
    )
)


class WaitingNotFound(Exception):
    """There is no such message, or it is somebody else's."""

    def __init__(self, what: str) -> None:
        super().__init__(f"No message {what} of this account waits.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that leaves at release_at. by: whoever sent it, "" for the account itself; place: the mailbox id and
    the UID in its sender's Outbox, None where it stands in none.
    """

    message_id: int
    subject: str
    to: str
    release_at: datetime
    recipients: int
    is_held: bool
    by: str
    place: tuple[int, int] | None = None
    preview: str = ""

    @property
    def is_at_home(self) -> bool:
        """It stands in an Outbox of the account's own."""
        return self.place is not None and not self.by


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Where it is a draft now; None where the account has no room for one. Then it is a draft of the account that has
    sent it, or, where it stood in no Outbox, its copy in Sent was left.
    """

    draft: tuple[int, int] | None  # mailbox id and UID


def read_waiting(*, account_id: int, limit: int) -> list[Waiting]:
    """What the account may take back, by when it leaves."""
    return _read(_takeable(account_id), account_id, limit)


def find_waiting(*, message_id: int, account_id: int) -> Waiting:
    """One that the account may take back. Raises WaitingNotFound, TooLate."""
    message = find_own(message_id=message_id, account_id=account_id)
    found = _read(QueuedMessage.objects.filter(pk=message_id, release_at__isnull=False), account_id, 1)
    if not found:
        raise TooLate(was_taken_out=message.release_at is not None)
    return found[0]


def find_own(*, message_id: int, account_id: int) -> QueuedMessage:
    """A message that the account may take back while it waits. Raises WaitingNotFound."""
    message = QueuedMessage.objects.filter(pk=message_id).first()
    if message is None or not _may_take_back(message, account_id):
        raise WaitingNotFound(str(message_id))
    return message


def read_leaving(*, account_id: int, before: datetime, limit: int) -> list[Waiting]:
    """What the account itself has sent and that leaves before that moment."""
    own = QueuedMessage.objects.filter(account_id=account_id, release_at__lte=before)
    return _read(own, account_id, limit)


def read_standing(*, account_id: int, mailbox_id: int) -> dict[int, Waiting]:
    """What the account itself has sent and that waits in this mailbox, by UID."""
    rows = QueuedMessage.objects.filter(
        account_id=account_id, release_at__isnull=False, outbox_mailbox_id=mailbox_id
    )
    return {each.place[1]: each for each in _read(rows, account_id, MAX_STANDING) if each.place is not None}


def _read(rows: QuerySet[QueuedMessage], account_id: int, limit: int) -> list[Waiting]:
    rows = rows.filter(STANDS).select_related("content", "account").order_by("release_at", "pk")
    is_still = Q(recipients__state__in=STILL)
    is_held = Q(recipients__state=RecipientState.HELD)
    rows = rows.annotate(still=Count("recipients", filter=is_still), held=Count("recipients", filter=is_held))
    content = ("content__subject", "content__to_display", "content__preview")
    shown = ("release_at", "account__login", *content, "outbox_mailbox_id", "outbox_uid")
    return [
        Waiting(
            row.pk,
            row.content.subject,
            row.content.to_display,
            row.release_at,
            row.still,
            row.held > 0,
            "" if row.account_id == account_id or row.account is None else row.account.login,
            _place(row),
            row.content.preview,
        )
        for row in rows.only(*shown)[:limit]
        if row.release_at is not None
    ]


def take_back(*, message_id: int, account_id: int, by: str, now: datetime) -> TakenBack:
    """Takes it out of the queue and makes it a draft of the account. Raises WaitingNotFound, TooLate."""
    message = find_own(message_id=message_id, account_id=account_id)
    if message.release_at is None:
        raise TooLate
    owner_id = message.account_id
    with transaction.atomic():
        # In the order of store/locks.py, and before the message's own row, as releasing does it.
        lock_usage(sorted({account_id} | ({owner_id} if owner_id else set())))
        forward_paths = stop(message_id=message_id, now=now)
        octets = Content.objects.values_list("octets", flat=True).get(pk=message.content_id)
        draft = _keep(
            message, _as_draft(bytes(octets), forward_paths), account_id=account_id, now=now
        ) or _moved_to_drafts(message, account_id=account_id, now=now)
        record(by=by, verb="message taken back", subject=f"Q{message_id}")
    return TakenBack(draft)


def _keep(message: QueuedMessage, octets: bytes, *, account_id: int, now: datetime) -> tuple[int, int] | None:
    """The draft in the place of what stands in the Outbox or in Sent: both, or none where there is no room."""
    try:
        with transaction.atomic():
            if (place := _place(message)) is not None:
                expunge(mailbox_id=place[0], uids=[place[1]], only_deleted=False, now=now)
            elif message.account_id is not None:
                _remove_sent_copy(message.account_id, message.content_id, now=now)
            mailbox_id = _drafts(account_id, now=now)
            draft = NewMessage(prepare(octets), Flag.DRAFT | Flag.SEEN)
            appended = append(account_id=account_id, mailbox_id=mailbox_id, contents=[draft], now=now)
            return mailbox_id, appended.uids[0]
    except MailboxFact:
        return None


def _moved_to_drafts(message: QueuedMessage, *, account_id: int, now: datetime) -> tuple[int, int] | None:
    """Where there is no room for another text: what stands in the Outbox becomes the draft, as a client would do it."""
    place, owner_id = _place(message), message.account_id
    if place is None or owner_id is None:
        return None
    try:
        mailbox_id = _drafts(owner_id, now=now)
        moved = move_messages(
            account_id=owner_id, mailbox_id=place[0], uids=[place[1]], to_mailbox_id=mailbox_id, now=now
        )
        store_flags(mailbox_id=mailbox_id, uids=moved.uids, mode="add", flags=Flag.DRAFT, now=now)
    except MailboxFact:
        return None
    return (mailbox_id, moved.uids[0]) if owner_id == account_id else None


def _place(message: QueuedMessage) -> tuple[int, int] | None:
    if message.outbox_mailbox_id is None or message.outbox_uid is None:
        return None
    return message.outbox_mailbox_id, message.outbox_uid


def _drafts(account_id: int, *, now: datetime) -> int:
    """By its use or else by its name; made where the account has deleted it."""
    living = Mailbox.objects.filter(account_id=account_id, deleted_at=None)
    for which in ({"special_use": "\\Drafts"}, {"name": "Drafts"}):
        if found := living.filter(**which).values_list("pk", flat=True).first():
            return found
    made = create_mailbox(account_id=account_id, name="Drafts", special_use="\\Drafts", now=now)
    return made.mailbox_id


def _remove_sent_copy(account_id: int, content_id: int, *, now: datetime) -> None:
    """The one that was kept with the message. What a mail client has put there itself is that client's."""
    mailbox_id = sent_mailbox(account_id=account_id)
    if mailbox_id is None:
        return
    copies = Message.objects.filter(mailbox_id=mailbox_id, content_id=content_id)
    if uids := list(copies.values_list("uid", flat=True)):
        expunge(mailbox_id=mailbox_id, uids=uids, only_deleted=False, now=now)


def _as_draft(octets: bytes, forward_paths: Collection[str]) -> bytes:
    """Without our trace, and with the recipients that only the envelope knew."""
    header = octets[: header_end(octets)]
    octets = without_fields(octets, [each for each in scan_fields(header) if each.name in TRACE_FIELDS])
    return with_hidden(octets, forward_paths)


def _may_take_back(message: QueuedMessage, account_id: int) -> bool:
    if message.account_id == account_id:
        return True
    return bool(message.reverse_path) and _reaches(account_id, message.reverse_path)


def _reaches(account_id: int, address: str) -> bool:
    try:
        parsed = EmailAddress.parse(address, is_lenient=True)
    except AddressSyntaxError:
        return False
    return reaches(account_id=account_id, address=parsed)


def _takeable(account_id: int) -> QuerySet[QueuedMessage]:
    """Both sides have an index, the reverse-path without its case."""
    waiting = QueuedMessage.objects.filter(release_at__isnull=False).alias(by=Lower("reverse_path"))
    shared = [address.lower() for address in _shared_addresses(account_id)]
    return waiting.filter(Q(account_id=account_id) | Q(by__in=shared))


def _shared_addresses(account_id: int) -> Sequence[str]:
    """The aliases that name the account. Through how many others an alias may lead is not followed for a list."""
    login = Account.objects.values_list("login", flat=True).get(pk=account_id)
    targets = AliasTarget.objects.filter(email=login).select_related("alias__address__domain")
    names = [str(target.alias.address) for target in targets[:MAX_ALIASES]]
    return [name for name in names if _reaches(account_id, name)]


def waiting_count(*, account_id: int) -> int:
    """How many messages that the account itself has sent wait."""
    return QueuedMessage.objects.filter(STANDS, account_id=account_id, release_at__isnull=False).count()
