"""What a notice says: rows of the queue as a report (RFC 3461 section 6, RFC 3464), and its envelope."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.conf import settings

from delivery.acceptance import Acceptance
from delivery.envelope import NOTHING_TOLD
from delivery.models import (
    LOCAL,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    ReportDue,
    ReturnedKind,
    ReturnedMail,
)
from delivery.queue.causes import says_it_for_all
from delivery.queue.outcomes import EXPIRED_STATUS
from delivery.routing import Route
from mailboxes.models import Content
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.dsn import compose_report
from mailhost.protocols.dsn_values import Action, RecipientReport, Report
from mailhost.protocols.smtp.trace_fields import client_of

MAX_RETURNED_OCTETS: Final = (
    1 << 20
)  # of a message that is given back whole: what is larger is known by its header


def notice_of(
    message: QueuedMessage,
    recipients: Sequence[QueuedRecipient],
    target: Route,
    *,
    now: datetime,
    new_name: Callable[[], str],
    nobody_told: str = "",
) -> Acceptance:
    """One message's notice, to be accepted: to the reverse-path; where nobody can be told, with a sentence why, to
    postmaster."""
    to = f"postmaster@{settings.HOSTNAME}" if nobody_told else message.reverse_path
    content = Content.objects.only("header_octets", "subject").get(pk=message.content_id)
    header = _octets(content, limit=content.header_octets)
    is_whole = not nobody_told and _gives_back_all(message, recipients)
    returned = _returned(recipients)
    octets = compose_report(
        Report(
            reporting_host=settings.HOSTNAME,
            to=to,
            message_id=f"<{new_name()}.report@{settings.HOSTNAME}>",
            boundary=f"=_{new_name()}",
            at=now,
            arrived_at=message.created_at,
            recipients=[_report(each, message, returned, now=now) for each in recipients],
            original_header=header,
            subject=content.subject,
            envid=message.envid,
            future_release=message.future_release,
            deliver_by=message.deliver_by,
            original=_octets(content, limit=None) if is_whole else b"",
            nobody_told=nobody_told,
            received_from=_received_from(message, header),
        )
    )
    return Acceptance(
        octets=b"Return-Path: <>\r\n" + octets,
        account_ids=target.account_ids,
        relay=target.relay,
        reverse_path="",
        # RFC 3461 section 6.1: of all that may be asked for a notice this alone.
        dsn_requests={address.key: NOTHING_TOLD for address in target.relay},
        body="7BIT" if octets.isascii() else "8BITMIME",
        is_smtputf8=not to.isascii(),
        requires_tls=message.requires_tls,  # RFC 8689 section 5: it says whom the message was to, and what about
    )


def _gives_back_all(message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> bool:
    """RET is about failures alone (RFC 3461 section 4.3), and is HDRS where TLS is required: a notice may find no way
    that keeps the text as secret as it was asked for (RFC 8689 section 5)."""
    has_failed = any(each.report_due == ReportDue.FAILED for each in recipients)
    is_small = message.size_octets <= MAX_RETURNED_OCTETS
    return message.ret == "FULL" and has_failed and is_small and not message.requires_tls


def _received_from(message: QueuedMessage, header: bytes) -> tuple[str, str] | None:
    """RFC 3464 section 2.2.4, of what another host brought; where an account was when it submitted something is told to
    nobody."""
    client = client_of(header, host=settings.HOSTNAME) if message.account_id is None else None
    return (client.helo, client.peer) if client is not None else None


def _octets(content: Content, *, limit: int | None) -> bytes:
    with cursor() as sql:
        row = sql.execute(
            b"SELECT substring(octets FROM 1 FOR coalesce(%s, length(octets))) FROM mailboxes_content WHERE id = %s",
            (limit, content.pk),
        ).fetchone()
    return bytes(row[0]) if row else b""


def _report(
    recipient: QueuedRecipient,
    message: QueuedMessage,
    returned: Mapping[int, ReturnedMail],
    *,
    now: datetime,
) -> RecipientReport:
    """What was put off with its whole destination has no words of its own, or old ones: the destination has. What came
    back after it was taken has those of whoever sent it back. Whom it is about is told as it was when the message was
    accepted (RFC 3464 section 2.3.2): the alias, where one led on."""
    if (back := returned.get(recipient.pk)) is not None and recipient.state == RecipientState.DELIVERED:
        return RecipientReport(
            forward_path=recipient.original_path or recipient.forward_path,
            led_to=_led_to(recipient, message),
            action=action_of(recipient),
            status=back.status,
            original_recipient=recipient.orcpt,
            remote_host=back.reporter,
            reply=back.diagnostic,
            last_attempt_at=recipient.last_attempt_at,
            taken_by=recipient.last_host,
        )
    tells = recipient.destination if says_it_for_all(recipient) else recipient
    return RecipientReport(
        forward_path=recipient.original_path or recipient.forward_path,
        led_to=_led_to(recipient, message),
        action=action_of(recipient),
        status=_status(recipient, tells.last_status, message, now=now),
        original_recipient=recipient.orcpt,
        remote_host=_who_said(recipient, tells.last_reply),
        reply=tells.last_reply,
        last_attempt_at=tells.last_attempt_at,
        will_retry_until=_tried_until(message) if recipient.report_due == ReportDue.DELAYED else None,
        is_given_up=recipient.cause == Cause.GIVEN_UP,
    )


def _led_to(recipient: QueuedRecipient, message: QueuedMessage) -> str:
    """Where the alias leads, which strangers are told of what failed alone: who asks of an alias whether it arrived
    (NOTIFY=SUCCESS) is not to learn whose it is (RFC 3461 section 5.2.7.4)."""
    is_told = message.account_id is not None or recipient.report_due == ReportDue.FAILED
    return recipient.forward_path if recipient.original_path and is_told else ""


def _who_said(recipient: QueuedRecipient, reply: str) -> str:
    """Only the host whose words these are (RFC 3464 sections 2.3.5 and 2.3.6)."""
    return recipient.last_host if reply[:3].isdigit() and reply == recipient.last_reply else ""


def action_of(recipient: QueuedRecipient) -> Action:
    """What this host itself has handed on is an alias that led to several (RFC 3464 section 2.3.3)."""
    if recipient.report_due == ReportDue.RELAYED and recipient.destination.name == LOCAL:
        return Action.EXPANDED
    return Action(recipient.report_due)


def _status(recipient: QueuedRecipient, last: str, message: QueuedMessage, *, now: datetime) -> str:
    """The last try's, but for what an RFC names: a positive delivery report has X.1.5 (RFC 3463 section 3.2), a delay
    beyond the time of mode N 4.4.7 (RFC 2852 section 4.1.3)."""
    if action_of(recipient) in (Action.DELIVERED, Action.EXPANDED):
        return "2.1.5"
    is_late = message.deliver_by is not None and message.created_at < message.deliver_by <= now
    if recipient.report_due == ReportDue.DELAYED and is_late:
        return EXPIRED_STATUS
    return last or "4.4.1"


def _tried_until(message: QueuedMessage) -> datetime:
    """In mode R nothing is tried beyond its time (RFC 2852 section 4.1.3)."""
    if message.deliver_by is not None and message.deliver_by_mode.startswith("R"):
        return min(message.expires_at, message.deliver_by)
    return message.expires_at


def _returned(recipients: Sequence[QueuedRecipient]) -> dict[int, ReturnedMail]:
    """What came back of those that other hosts had taken, by recipient."""
    ids = [
        each.pk
        for each in recipients
        if each.state == RecipientState.DELIVERED and each.report_due == ReportDue.FAILED
    ]
    rows = ReturnedMail.objects.filter(kind=ReturnedKind.BOUNCE, queued_recipient_id__in=ids) if ids else ()
    return {row.queued_recipient_id: row for row in rows}
