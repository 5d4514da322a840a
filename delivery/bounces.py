"""Delivery status notifications: what the reverse-path is told of bounced, expired, delayed and relayed recipients.

Outcomes mark what is to be told (report_due). Here one message's marks become one notice, which is accepted (into a
mailbox here, or into the queue) in the transaction that clears them: no bounce is lost, and none is told twice. A
notice has the null reverse-path, and nobody is ever told about a message that had it (RFC 3461 section 5.2): the trace
says so, and postmaster has a copy where the operator wants that.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from delivery.acceptance import accept_now
from delivery.bounce_reports import action_of, notice_of
from delivery.models import LOCAL, QueuedMessage, QueuedRecipient, ReportDue
from delivery.models.trace import Event
from delivery.routing import AccountDisabled, Route, route
from delivery.trace.notices import as_told
from delivery.trace.outbound import note
from domains.exceptions import DomainFact
from mailboxes.exceptions import MailboxFact
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.dsn_values import Action
from mailhost.protocols.smtp.paths import ForwardPath

log = structlog.get_logger(__name__)

MAX_NOTICES = 500  # of one round: the next one goes on
MAX_RECIPIENTS = 1_000  # of one notice

TOLD = {
    Action.FAILED: "that it did not arrive",
    Action.DELAYED: "that it waits",
    Action.RELAYED: "that another host has taken it",
    Action.DELIVERED: "that it was delivered here",
    Action.EXPANDED: "that the address has led on to several",
}

NULL_REVERSE_PATH = "It has the null reverse-path."

NEXT_MESSAGE = b"""
SELECT message_id FROM delivery_queuedrecipient
 WHERE report_due <> '' AND message_id > %s ORDER BY message_id LIMIT 1
"""
MARK_DELAYED = b"""
UPDATE delivery_queuedrecipient SET report_due = 'delayed', delay_reported_at = %s
 WHERE id IN (SELECT recipient.id
                FROM delivery_queuedrecipient recipient
                JOIN delivery_queuedmessage message ON message.id = recipient.message_id
               WHERE recipient.state IN ('queued', 'deferred') AND recipient.delay_reported_at IS NULL
                 AND recipient.report_due = ''
                 AND coalesce(message.released_at, message.created_at) <= %s AND message.expires_at > %s
                 AND message.reverse_path <> ''
                 AND (recipient.notify = '' OR upper(recipient.notify) LIKE '%%DELAY%%')
               LIMIT %s FOR NO KEY UPDATE OF recipient SKIP LOCKED)
"""


def new_name() -> str:
    """A name that nothing else has: of a Message-ID, and of a MIME boundary."""
    return secrets.token_hex(12)


def mark_delayed(*, now: datetime) -> None:
    """Marks recipients that have waited long enough to be told of, once each."""
    if settings.QUEUE_DELAY_NOTICE_SECONDS > 0:
        since = now - timedelta(seconds=settings.QUEUE_DELAY_NOTICE_SECONDS)
        with cursor() as sql:
            sql.execute(MARK_DELAYED, (now, since, now, MAX_RECIPIENTS))


def send_reports(*, now: datetime, new_name: Callable[[], str]) -> int:
    """Tells what is to be told, message by message; how many notices. Any number of callers at once."""
    message_id, told = 0, 0
    while told < MAX_NOTICES:
        with cursor() as sql:
            row = sql.execute(NEXT_MESSAGE, (message_id,)).fetchone()
        if row is None:
            break
        message_id = row[0]
        try:
            told += report_message(message_id=message_id, now=now, new_name=new_name)
        except MailboxFact as fact:  # a full mailbox: told in a later round
            log.info("a notice has to wait", message_id=message_id, reason=str(fact))
    return told


@transaction.atomic
def report_message(*, message_id: int, now: datetime, new_name: Callable[[], str]) -> bool:
    """One notice about one message; False where another caller is at it. Raises MailboxFact, and nothing is lost."""
    recipients = list(
        QueuedRecipient.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .exclude(report_due=ReportDue.NOTHING)
        .filter(message_id=message_id)
        .select_related("destination")
        .order_by("id")[:MAX_RECIPIENTS]
    )
    if not recipients:
        return False
    message = QueuedMessage.objects.get(pk=message_id)
    QueuedRecipient.objects.filter(pk__in=[each.pk for each in recipients]).update(
        report_due=ReportDue.NOTHING
    )
    recipients = [each for each in recipients if not _is_confirmation_to_a_stranger(each, message)]
    if not recipients:
        return False
    target = _target(message)
    if isinstance(target, Route):
        accepted = accept_now(notice_of(message, recipients, target, now=now, new_name=new_name), now=now)
        for action, words in TOLD.items():
            told = [each.pk for each in recipients if action_of(each) is action]
            reply = as_told(f"{message.reverse_path} was told {words}", content_id=accepted.content_id)
            note(told, event=Event.REPORTED, now=now, reply=reply)
    else:
        _tell_nobody(message, recipients, target, now=now, new_name=new_name)
    return isinstance(target, Route)


def _is_confirmation_to_a_stranger(recipient: QueuedRecipient, message: QueuedMessage) -> bool:
    """Where the operator has none told to them; the door keeps those back that are due at once (smtp/taking.py)."""
    is_stranger = message.account_id is None and not settings.SMTP_CONFIRM_DELIVERY
    return is_stranger and recipient.report_due in (ReportDue.RELAYED, ReportDue.DELIVERED_HERE)


def _target(message: QueuedMessage) -> Route | str:
    """Where the notice goes; or a sentence why there is nobody to tell."""
    if not message.reverse_path:
        return NULL_REVERSE_PATH
    try:
        address = EmailAddress.parse(message.reverse_path, is_lenient=True)
        return route(forward_path=ForwardPath(address), may_relay=True)
    except (AddressSyntaxError, DomainFact):
        return f"Its sender {message.reverse_path} is no address here that mail can go to."
    except AccountDisabled:
        return f"Its sender {message.reverse_path} takes no mail at present."


def _tell_nobody(
    message: QueuedMessage,
    recipients: Sequence[QueuedRecipient],
    why: str,
    *,
    now: datetime,
    new_name: Callable[[], str],
) -> None:
    """The trace says so, and the log; postmaster has a copy where the operator wants it (RFC 3461 section 5.2).

    Of reports that strangers sent to bounce addresses of ours nobody is written to: they may come by the thousand.
    """
    log.warning("nobody to tell of a bounce", message_id=message.pk, reason=why)
    ids = [each.pk for each in recipients]
    failed = [each for each in recipients if each.report_due == ReportDue.FAILED]
    if not message.reverse_path:
        failed = [each for each in failed if each.destination.name != LOCAL]
    if not failed or not settings.DOUBLE_BOUNCES_TO_POSTMASTER:
        note(ids, event=Event.UNTOLD, now=now, reply=why)
        return
    try:  # accounts here alone: a copy never leaves, and never bounces
        postmaster = route(forward_path=ForwardPath(None))
        copy = notice_of(message, failed, postmaster, now=now, new_name=new_name, nobody_told=why)
        accepted = accept_now(copy, now=now)
    except (DomainFact, AccountDisabled, MailboxFact) as fact:  # nobody reads it, or the mailbox is full
        log.warning("postmaster has no copy", message_id=message.pk, reason=str(fact))
        note(ids, event=Event.UNTOLD, now=now, reply=why)
        return
    told = as_told(f"{why} Postmaster has a copy", content_id=accepted.content_id)
    note(ids, event=Event.UNTOLD, now=now, reply=told)
