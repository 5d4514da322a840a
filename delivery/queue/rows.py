"""What the rows of the queue are made of: what is given for a message and its recipients, and how it gets there.

As JSON, because psycopg dumps lists element by element. Of both ways into the queue (enqueue.py, departures.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from delivery.models import LOCAL, RecipientState, ReportDue
from delivery.queue.route_rules import SETTINGS, Rules, sending_domain

Row = dict[str, Any]
Way = tuple[str, int]  # a destination's name and route

MESSAGE_ID_CHARACTERS: Final = 500  # of QueuedMessage.message_id_field

# Both sides of INSERT … SELECT: the columns as given, and the record that message_row() makes; without ids.
MESSAGE_COLUMNS: Final = """account_id, reverse_path, size_octets, body, is_smtputf8, envid, ret,
           requires_tls, ignores_tls, release_at, future_release, forwarded_by, deliver_by, deliver_by_mode,
           outbox_mailbox_id, outbox_uid, goes_to_sent"""
MESSAGE_RECORD: Final = """account_id bigint, reverse_path text, size_octets integer, body text,
               is_smtputf8 boolean, envid text, ret text, requires_tls boolean, ignores_tls boolean,
               release_at timestamptz, future_release text, forwarded_by text, deliver_by timestamptz,
               deliver_by_mode text, outbox_mailbox_id bigint, outbox_uid bigint, goes_to_sent boolean"""
# Likewise, with the record of recipient_row(); %(now)s is when the message came.
RECIPIENT_COLUMNS: Final = """destination_id, forward_path, orcpt, notify, state, attempts, next_attempt_at, last_reply,
                                          last_status, last_host, report_due, finished_at, original_path"""
RECIPIENT_VALUES: Final = """destination_id, forward_path, orcpt, notify, state, 0, coalesce(release_at, %(now)s), '',
           status, '', report_due, CASE WHEN state IN ('queued', 'waiting', 'held') THEN NULL
                                        ELSE %(now)s::timestamptz END, original_path"""
RECIPIENT_RECORD: Final = """release_at timestamptz, forward_path text, orcpt text, notify text, original_path text,
               state text, status text, report_due text"""


@dataclass(frozen=True, slots=True)
class NewRecipient:
    """A forward-path (without brackets) with RFC 3461's parameters as they came, or "".

    is_delivered: it has the message already, here, and the reverse-path is to be told so (NOTIFY=SUCCESS);
    is_expanded: it is an alias of which that is to be told that it has led on to several.
    is_local: it leads to accounts here, and is delivered there when the message is released.
    original_path: as in QueuedRecipient.
    """

    forward_path: str
    orcpt: str = ""
    notify: str = ""
    is_delivered: bool = False
    is_local: bool = False
    is_expanded: bool = False
    original_path: str = ""

    @property
    def destination(self) -> str:
        """The name of where it goes."""
        return LOCAL if self.is_local or self.is_expanded else domain_of(self.forward_path)


@dataclass(frozen=True, slots=True)
class NewQueuedMessage:
    """A message to be relayed. reverse_path is "" for the null one; forward_paths and recipients are added up.

    is_held: its recipients wait until an operator releases them. release_at: and not before this moment;
    future_release, deliver_by, deliver_by_mode and goes_to_sent: as in QueuedMessage. outbox: where it stands until
    then, a mailbox's id and a UID.
    """

    content_id: int
    reverse_path: str
    size_octets: int
    forward_paths: Sequence[str] = ()
    recipients: Sequence[NewRecipient] = ()
    account_id: int | None = None
    body: str = "8BITMIME"
    smtputf8: bool = False
    envid: str = ""
    ret: str = ""
    requires_tls: bool = False
    ignores_tls: bool = False
    is_held: bool = False
    release_at: datetime | None = None
    future_release: str = ""
    forwarded_by: str = ""
    deliver_by: datetime | None = None
    deliver_by_mode: str = ""
    outbox: tuple[int, int] | None = None
    goes_to_sent: bool = False
    all_recipients: tuple[NewRecipient, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        added = tuple(NewRecipient(path) for path in self.forward_paths)
        object.__setattr__(self, "all_recipients", (*self.recipients, *added))


def domain_of(forward_path: str) -> str:
    """The destination's name: an A-label or an address literal."""
    return forward_path.rpartition("@")[2].lower()


def way_of(message: NewQueuedMessage, recipient: NewRecipient, chosen: Rules) -> Way:
    """Where it goes, by the rules of now."""
    name = recipient.destination
    if name == LOCAL:
        return name, SETTINGS
    sender = sending_domain(reverse_path=message.reverse_path, forwarded_by=message.forwarded_by)
    return name, chosen.choose(name, sender)


def message_row(message: NewQueuedMessage) -> Row:
    """As MESSAGE_RECORD has it."""
    mailbox_id, uid = message.outbox or (None, None)
    return {
        "account_id": message.account_id,
        "reverse_path": message.reverse_path,
        "size_octets": message.size_octets,
        "body": message.body,
        "is_smtputf8": message.smtputf8,
        "envid": message.envid,
        "ret": message.ret,
        "requires_tls": message.requires_tls,
        "ignores_tls": message.ignores_tls,
        "release_at": _text(message.release_at),
        "future_release": message.future_release,
        "forwarded_by": message.forwarded_by,
        "deliver_by": _text(message.deliver_by),
        "deliver_by_mode": message.deliver_by_mode,
        "outbox_mailbox_id": mailbox_id,
        "outbox_uid": uid,
        "goes_to_sent": message.goes_to_sent,
    }


def recipient_row(message: NewQueuedMessage, recipient: NewRecipient, *, is_captured: bool) -> Row:
    """As RECIPIENT_RECORD has it. is_captured: what is to leave now is kept instead."""
    state, status, report = _first_state(message, recipient, is_captured=is_captured), "", ReportDue.NOTHING
    if recipient.is_expanded:
        state, status, report = RecipientState.DELIVERED, "2.1.5", ReportDue.RELAYED
    elif recipient.is_delivered:
        state, status, report = RecipientState.DELIVERED, "2.0.0", ReportDue.DELIVERED_HERE
    return {
        "release_at": _text(message.release_at),
        "forward_path": recipient.forward_path,
        "orcpt": recipient.orcpt,
        "notify": recipient.notify,
        "original_path": recipient.original_path,
        "state": state.value,
        "status": status,
        "report_due": report.value,
    }


def _first_state(message: NewQueuedMessage, recipient: NewRecipient, *, is_captured: bool) -> RecipientState:
    """What waits for its time is captured when that has come (see claim.py)."""
    if message.is_held:
        return RecipientState.HELD
    if message.release_at is not None:
        return RecipientState.WAITING
    return RecipientState.CAPTURED if is_captured and not recipient.is_local else RecipientState.QUEUED


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
