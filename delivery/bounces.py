"""Delivery status notifications: what the reverse-path is told of bounced, expired, delayed and relayed recipients.

Outcomes mark what is to be told (report_due). Here one message's marks become one notice, which is accepted (into a
mailbox here, or into the queue) in the transaction that clears them: no bounce is lost, and none is told twice. A
notice has the null reverse-path, and nothing is ever told about a message that had it (RFC 3461 section 6.1).
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from delivery.acceptance import Acceptance, accept_now
from delivery.models import (
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    ReportDue,
    ReturnedKind,
    ReturnedMail,
)
from delivery.models.trace import Event
from delivery.queue.causes import says_it_for_all
from delivery.routing import AccountDisabled, Route, route
from delivery.trace.outbound import note
from domains.exceptions import DomainFact
from mailboxes.exceptions import MailboxFact
from mailboxes.models import Content
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.dsn import compose_report
from mailhost.protocols.dsn_values import Action, RecipientReport, Report
from mailhost.protocols.smtp.paths import ForwardPath

log = structlog.get_logger(__name__)

MAX_NOTICES = 500  # of one round: the next one goes on
MAX_RECIPIENTS = 1_000  # of one notice
MAX_RETURNED_OCTETS = 1 << 20  # of a message that is given back whole: what is larger is known by its header

TOLD = {
    ReportDue.FAILED: "that it did not arrive",
    ReportDue.DELAYED: "that it waits",
    ReportDue.RELAYED: "that another host has taken it",
    ReportDue.DELIVERED_HERE: "that it was delivered here",
}

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
    target = _target(message)
    if target is not None:
        accept_now(_acceptance(message, recipients, target, now=now, new_name=new_name), now=now)
        for due, words in TOLD.items():
            told = [each.pk for each in recipients if each.report_due == due]
            note(told, event=Event.REPORTED, now=now, reply=f"{message.reverse_path} was told {words}")
    ids = [each.pk for each in recipients]
    QueuedRecipient.objects.filter(pk__in=ids).update(report_due=ReportDue.NOTHING)
    return target is not None


def _target(message: QueuedMessage) -> Route | None:
    """Where the notice goes; None where there is nobody to tell."""
    if not message.reverse_path:
        return None
    try:
        address = EmailAddress.parse(message.reverse_path, is_lenient=True)
        return route(forward_path=ForwardPath(address), may_relay=True)
    except (AddressSyntaxError, DomainFact, AccountDisabled) as fact:
        log.warning("nobody to tell of a bounce", message_id=message.pk, reason=str(fact))
        return None


def _acceptance(
    message: QueuedMessage,
    recipients: list[QueuedRecipient],
    target: Route,
    *,
    now: datetime,
    new_name: Callable[[], str],
) -> Acceptance:
    content = Content.objects.only("header_octets", "subject").get(pk=message.content_id)
    header = _octets(content, limit=content.header_octets)
    is_whole = _gives_back_all(message, recipients)
    returned = _returned(recipients)
    octets = compose_report(
        Report(
            reporting_host=settings.HOSTNAME,
            to=message.reverse_path,
            message_id=f"<{new_name()}.report@{settings.HOSTNAME}>",
            boundary=f"=_{new_name()}",
            at=now,
            arrived_at=message.created_at,
            recipients=[_report(each, message, returned) for each in recipients],
            original_header=header,
            subject=content.subject,
            envid=message.envid,
            future_release=message.future_release,
            deliver_by=message.deliver_by,
            original=_octets(content, limit=None) if is_whole else b"",
        )
    )
    return Acceptance(
        octets=b"Return-Path: <>\r\n" + octets,
        account_ids=target.account_ids,
        relay=target.relay,
        reverse_path="",
        body="7BIT" if octets.isascii() else "8BITMIME",
        is_smtputf8=not message.reverse_path.isascii(),
        requires_tls=message.requires_tls,  # RFC 8689 section 5: it says whom the message was to, and what about
    )


def _gives_back_all(message: QueuedMessage, recipients: list[QueuedRecipient]) -> bool:
    """RET is about failures alone (RFC 3461 section 4.3), and is HDRS where TLS is required: a notice may find no way
    that keeps the text as secret as it was asked for (RFC 8689 section 5)."""
    has_failed = any(each.report_due == ReportDue.FAILED for each in recipients)
    is_small = message.size_octets <= MAX_RETURNED_OCTETS
    return message.ret == "FULL" and has_failed and is_small and not message.requires_tls


def _octets(content: Content, *, limit: int | None) -> bytes:
    with cursor() as sql:
        row = sql.execute(
            b"SELECT substring(octets FROM 1 FOR coalesce(%s, length(octets))) FROM mailboxes_content WHERE id = %s",
            (limit, content.pk),
        ).fetchone()
    return bytes(row[0]) if row else b""


def _report(
    recipient: QueuedRecipient, message: QueuedMessage, returned: Mapping[int, ReturnedMail]
) -> RecipientReport:
    """What was put off with its whole destination has no words of its own, or old ones: the destination has. What came
    back after it was taken has those of whoever sent it back."""
    if (back := returned.get(recipient.pk)) is not None and recipient.state == RecipientState.DELIVERED:
        return RecipientReport(
            forward_path=recipient.forward_path,
            action=Action(recipient.report_due),
            status=back.status,
            original_recipient=recipient.orcpt,
            remote_host=back.reporter,
            reply=back.diagnostic,
            last_attempt_at=recipient.last_attempt_at,
            taken_by=recipient.last_host,
        )
    tells = recipient.destination if says_it_for_all(recipient) else recipient
    is_failure = recipient.report_due == ReportDue.FAILED
    return RecipientReport(
        forward_path=recipient.forward_path,
        action=Action(recipient.report_due),
        status=tells.last_status or "4.4.1",
        original_recipient=recipient.orcpt,
        remote_host=recipient.last_host if tells is recipient and recipient.last_reply[:3].isdigit() else "",
        reply=tells.last_reply,
        last_attempt_at=tells.last_attempt_at,
        will_retry_until=None if is_failure else message.expires_at,
    )


def _returned(recipients: Sequence[QueuedRecipient]) -> dict[int, ReturnedMail]:
    """What came back of those that other hosts had taken, by recipient."""
    ids = [
        each.pk
        for each in recipients
        if each.state == RecipientState.DELIVERED and each.report_due == ReportDue.FAILED
    ]
    rows = ReturnedMail.objects.filter(kind=ReturnedKind.BOUNCE, queued_recipient_id__in=ids) if ids else ()
    return {row.queued_recipient_id: row for row in rows}
