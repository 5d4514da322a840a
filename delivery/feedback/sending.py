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

from delivery.feedback.counting import MESSAGES
from delivery.feedback.dispatch import Patience, joined, locked, put_off, send_each
from delivery.feedback.mailing import HandedOver, hand_over
from delivery.feedback.planning import plan_reports
from delivery.feedback.reporting import letter_of, pack, report_about
from delivery.filters.look_ups import LookUps
from delivery.models import DmarcFeedback, DmarcFeedbackCopy, FeedbackState
from mailhost.net.resolver import Resolver
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.dmarc.record import ReportUri
from mailhost.protocols.dmarc.report_destinations import Destinations, find_destinations

log = structlog.get_logger(__name__)

MAX_REPORTS: Final = 100  # of one round: the next one goes on
DNS_SECONDS: Final = 60  # for all of a round, at once: name servers that are silent keep no other one waiting
PATIENCE: Final = Patience(timedelta(hours=1), attempts=12)


def send_due(*, now: datetime, resolver: Resolver) -> int:
    """Plans the days that are over, and sends what is due; how many reports. Any number of callers at once."""
    if not settings.DMARC_REPORTS:
        return 0
    plan_reports(MESSAGES, now=now, per_day=settings.DMARC_REPORTS_PER_DAY)
    due = DmarcFeedback.objects.filter(state=FeedbackState.DUE, due_at__lte=now).order_by("due_at", "pk")
    chosen = list(due[:MAX_REPORTS])
    if not chosen:
        return 0
    allowed = dict(zip((each.pk for each in chosen), asyncio.run(_ask(chosen, resolver)), strict=True))
    return send_each(
        chosen,
        lambda each: send_report(feedback=each, destinations=allowed[each.pk], now=now),
        patience=PATIENCE,
        now=now,
    )


@transaction.atomic
def send_report(*, feedback: DmarcFeedback, destinations: Destinations, now: datetime) -> bool:
    """One report; False where it is sent already, not due, put off, or nobody takes it. Raises MailboxFact."""
    row = locked(feedback)
    if row is None or row.due_at is None or row.due_at > now:
        return False
    if destinations.is_open and row.attempts + 1 < PATIENCE.attempts:
        put_off(row, joined(destinations.passed_over), patience=PATIENCE, now=now)
        return False
    report = report_about(row)
    attachment = pack(report, max_octets=settings.DMARC_REPORTS_MAX_OCTETS) if report.rows else b""
    handed = HandedOver()
    if report.rows:
        handed = hand_over(letter_of(report, attachment, now=now), destinations.allowed, now=now)
        DmarcFeedbackCopy.objects.bulk_create(
            DmarcFeedbackCopy(feedback=row, address=address, queued_message_id=queued_id)
            for address, queued_id in handed.addresses
        )
    row.report_id, row.size_octets = report.report_id, len(attachment)
    row.note = joined([*destinations.passed_over, *handed.passed_over])
    row.attempts += 1
    row.state = FeedbackState.SENT if handed.addresses else FeedbackState.UNWANTED
    row.sent_at = now if handed.addresses else None
    row.save(update_fields=["state", "report_id", "size_octets", "note", "attempts", "sent_at"])
    log.info("report", domain=row.domain, day=row.day.isoformat(), state=row.state)
    return row.state == FeedbackState.SENT


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
