"""The rows that one message leaves in the trace: brought, queued, tried twice, given up, its sender told."""

from datetime import datetime, timedelta

from delivery import trace
from delivery.acceptance import Acceptance, accept_now
from delivery.findings import Action
from delivery.models import Attempt, Destination, QueuedMessage, QueuedRecipient, RecordedVerdict
from delivery.models.trace import Outcome
from delivery.trace import Noted
from delivery.trace.notices import as_told
from mailboxes.models import Account, Content
from mailhost.protocols.dsn import compose_report
from mailhost.protocols.dsn_values import Action as Told
from mailhost.protocols.dsn_values import RecipientReport, Report

MINUTE = timedelta(minutes=1)
FAR = "carol@far.test"


TRIES = (
    (20, "deferred", "mx1.far.test", "451 4.7.1 Greylisted, come again", "TLSv1.3 X"),
    (5, "bounced", "mx2.far.test", "550 5.1.1 No such user", ""),
    (4, "reported", "", "{sender} was told that it did not arrive", ""),
)
"""Minutes ago, outcome, host, reply and TLS of what happened on the way out."""


def sent_message(
    sender: Account, *, here: Account, now: datetime, message_id: str = "<trip@here.test>"
) -> int:
    """One that the sender has sent to an account here, into Junk there, and to somebody elsewhere; the queue's id."""
    noted = _brought(sender, here=here, now=now, message_id=message_id)
    elsewhere = {"forward_path": FAR, "domain": "far.test", "account_id": None, "outcome": Outcome.RELAYED}
    trace.write([noted, Noted(**{name: getattr(noted, name) for name in Noted.__slots__} | elsewhere)])
    recipient = _queued(sender, noted, now=now)
    _judged(here, noted, content_id=recipient.message_id)
    _tried(sender, recipient, message_id=message_id, now=now)
    return recipient.message_id


def _brought(sender: Account, *, here: Account, now: datetime, message_id: str) -> Noted:
    return Noted(
        at=now - 30 * MINUTE,
        session="5e55107",
        trace_id=f"7ace{sender.pk}" if message_id == "<trip@here.test>" else f"7ace{message_id[1:9]}",
        peer="192.0.2.44",
        helo="laptop.test",
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        login=sender.login,
        reverse_path=sender.login,
        forward_path=here.login,
        domain=here.login.partition("@")[2],
        account_id=here.pk,
        message_id=message_id,
        size_octets=4_000,
        outcome=Outcome.JUNK,
        reply="250 2.0.0 Ok: accepted",
    )


def _queued(sender: Account, noted: Noted, *, now: datetime) -> QueuedRecipient:
    destination, _ = Destination.objects.get_or_create(name="far.test")
    message = QueuedMessage.objects.create(
        content_id=1,
        account=sender,
        reverse_path=sender.login,
        size_octets=4_000,
        created_at=noted.at,
        expires_at=now + 7_200 * MINUTE,
        message_id_field=noted.message_id,
    )
    return QueuedRecipient.objects.create(
        message=message,
        destination=destination,
        forward_path=FAR,
        state="bounced",
        finished_at=now,
        next_attempt_at=now,
    )


def _judged(here: Account, noted: Noted, *, content_id: int) -> None:
    text = "It promises money for nothing."
    RecordedVerdict.objects.create(
        account=here,
        content_id=content_id,
        action=Action.JUNK,
        score=6.5,
        findings=[{"check": "x", "result": "y", "text": text, "score": 6.5, "at_least": 0}],
        trace_id=noted.trace_id,
        peer=noted.peer,
        reverse_path=noted.reverse_path,
        judged_at=noted.at,
    )


def _tried(sender: Account, recipient: QueuedRecipient, *, message_id: str, now: datetime) -> None:
    for minutes, outcome, host, reply, tls in TRIES:
        Attempt.objects.create(
            recipient=recipient,
            queue_id=recipient.message_id,
            account_id=sender.pk,
            reverse_path=sender.login,
            forward_path=FAR,
            domain="far.test",
            sender_domain=sender.login.partition("@")[2],
            message_id=message_id,
            at=now - minutes * MINUTE,
            host=host,
            address="198.51.100.7" if host else "",
            outcome=outcome,
            reply=reply.format(sender=sender.login),
            tls=tls,
        )


def keep_notice(sender: Account, *, queue_id: int, now: datetime) -> Content:
    """The notice that sent_message() tells of, in the sender's INBOX."""
    report = Report(
        reporting_host="mail.here.test",
        to=sender.login,
        message_id=f"<{queue_id}.report@mail.here.test>",
        boundary="=_b",
        at=now,
        arrived_at=now - 30 * MINUTE,
        recipients=[
            RecipientReport(
                FAR, Told.FAILED, "5.1.1", remote_host="mx2.far.test", reply="550 5.1.1 No such user"
            )
        ],
        original_header=b"Subject: trip\r\n\r\n",
        subject="trip",
    )
    accepted = accept_now(
        Acceptance(octets=b"Return-Path: <>\r\n" + compose_report(report), account_ids=(sender.pk,)), now=now
    )
    told = as_told(f"{sender.login} was told that it did not arrive", content_id=accepted.content_id)
    Attempt.objects.filter(queue_id=queue_id, outcome="reported").update(reply=told)
    return Content.objects.get(pk=accepted.content_id)
