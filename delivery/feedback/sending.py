"""Sends the reports that are due, each once: DNS says first who may have it, then one transaction marks and sends it.

However many workers are at it, and wherever one of them dies: the row of the day is locked while the mail is accepted
(into the queue, or into a mailbox here), and its state says so in the same commit. Two hosts that report to each other
find the other's report among the mail of the next day: one message more in one report a day, never another report.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from delivery.acceptance import accept_now
from delivery.feedback.mailing import acceptance_of, address_all, compose_mail
from delivery.feedback.planning import plan_reports
from delivery.feedback.reporting import pack, report_about
from delivery.filters.look_ups import LookUps
from delivery.models import DmarcFeedback, DmarcFeedbackCopy, FeedbackState
from mailboxes.exceptions import MailboxFact
from mailhost.net.resolver import Resolver
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.dmarc.record import ReportUri
from mailhost.protocols.dmarc.report_destinations import Destinations, find_destinations

log = structlog.get_logger(__name__)

MAX_REPORTS: Final = 100  # of one round: the next one goes on
DNS_SECONDS: Final = 60  # for all of a round, at once: name servers that are silent keep no other one waiting
AGAIN: Final = timedelta(hours=1)
MAX_ATTEMPTS: Final = 12
MAX_NOTE: Final = 2_000  # characters


def send_due(*, now: datetime, resolver: Resolver) -> int:
    """Plans the days that are over, and sends what is due; how many reports. Any number of callers at once."""
    if not settings.DMARC_REPORTS:
        return 0
    plan_reports(now=now, per_day=settings.DMARC_REPORTS_PER_DAY)
    due = DmarcFeedback.objects.filter(state=FeedbackState.DUE, due_at__lte=now).order_by("due_at", "pk")
    chosen = list(due[:MAX_REPORTS])
    if not chosen:
        return 0
    sent = 0
    for feedback, destinations in zip(chosen, asyncio.run(_ask(chosen, resolver)), strict=True):
        try:
            sent += send_report(feedback_id=feedback.pk, destinations=destinations, now=now)
        except MailboxFact as fact:  # a full disk, say
            log.info("a report has to wait", domain=feedback.domain, reason=str(fact))
            _put_off(feedback.pk, str(fact), now=now)
        except (
            Exception
        ) as error:  # a fault of ours with what strangers made up shall not keep back all others
            log.error("a report failed", domain=feedback.domain, exc_info=error)
            _put_off(feedback.pk, f"{type(error).__name__}: {error}", now=now)
    return sent


@transaction.atomic
def send_report(*, feedback_id: int, destinations: Destinations, now: datetime) -> bool:
    """One report; False where it is sent already, not due, put off, or nobody takes it. Raises MailboxFact."""
    feedback = (
        DmarcFeedback.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk=feedback_id, state=FeedbackState.DUE, due_at__lte=now)
        .first()
    )
    if feedback is None:
        return False
    if destinations.is_open and feedback.attempts + 1 < MAX_ATTEMPTS:
        _put_off(feedback.pk, _note(destinations.passed_over), now=now)
        return False
    report = report_about(feedback)
    attachment = pack(report, max_octets=settings.DMARC_REPORTS_MAX_OCTETS) if report.rows else b""
    # As large as it is with every address, which is what each is measured by.
    everybody = [each.address for each in destinations.allowed]
    octets = compose_mail(report, attachment, to=everybody, now=now) if everybody and report.rows else b""
    addressed, passed_over = address_all(destinations.allowed, size_octets=len(octets))
    feedback.report_id, feedback.size_octets = report.report_id, len(attachment)
    feedback.note = _note([*destinations.passed_over, *passed_over])
    feedback.attempts += 1
    if addressed and report.rows:
        if len(addressed) < len(everybody):
            octets = compose_mail(report, attachment, to=[each.address for each in addressed], now=now)
        accepted = accept_now(acceptance_of(octets, addressed, report_id=report.report_id), now=now)
        DmarcFeedbackCopy.objects.bulk_create(
            DmarcFeedbackCopy(
                feedback=feedback,
                address=str(each.address),
                queued_message_id=accepted.queued_message_id if each.route.relay else None,
            )
            for each in addressed
        )
        feedback.state, feedback.sent_at = FeedbackState.SENT, now
    else:
        feedback.state = FeedbackState.UNWANTED
    feedback.save(update_fields=["state", "report_id", "size_octets", "note", "attempts", "sent_at"])
    log.info("report", domain=feedback.domain, day=feedback.day.isoformat(), state=feedback.state)
    return feedback.state == FeedbackState.SENT


def _put_off(feedback_id: int, note: str, *, now: datetime) -> None:
    """To be tried again; a report that fails too often is given up."""
    with transaction.atomic():
        due = DmarcFeedback.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        feedback = due.filter(pk=feedback_id, state=FeedbackState.DUE, due_at__lte=now).first()
        if feedback is None:
            return
        feedback.attempts += 1
        feedback.due_at, feedback.note = now + AGAIN, note[:MAX_NOTE]
        if feedback.attempts >= MAX_ATTEMPTS:
            feedback.state = FeedbackState.UNWANTED
        feedback.save(update_fields=["attempts", "due_at", "note", "state"])


def _note(sentences: Sequence[str]) -> str:
    return "\n".join(sentences).replace("\0", "")[:MAX_NOTE]


async def _ask(chosen: Sequence[DmarcFeedback], resolver: Resolver) -> list[Destinations]:
    """Who may have each report, in order."""
    look_ups = LookUps(resolver, until=asyncio.get_running_loop().time() + DNS_SECONDS)
    try:
        return await asyncio.gather(
            *(
                find_destinations(
                    policy_domain=each.domain,
                    uris=[ReportUri(**uri) for uri in each.uris],
                    txt=look_ups.txt,
                    registrable=registrable_domain,
                )
                for each in chosen
            )
        )
    finally:
        await look_ups.close()
