"""Sends the TLS reports that are due, by mail and by https (RFC 8460 section 5), each to each place once.

A worker claims some by putting them off for a while, so that no other one POSTs them meanwhile. What a place has taken
is kept before anything else, and mail is handed over in the transaction that says so: where a worker dies, the next one
goes on with what is left, and at worst one https place gets a report twice, with the same Report-ID.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from delivery.feedback.dispatch import Patience, joined, locked, send_each
from delivery.feedback.mailing import HandedOver, hand_over
from delivery.feedback.planning import plan_reports
from delivery.feedback.tls.asking import DNS_SECONDS, places_for
from delivery.feedback.tls.counting import SESSIONS
from delivery.feedback.tls.posting import Posted, ReportPoster
from delivery.feedback.tls.reporting import letter_of, pack, report_about, submitter
from delivery.filters.look_ups import LookUps
from delivery.models import FeedbackState, TlsFeedback, TlsFeedbackCopy
from delivery.signing_keys import active_keys
from mailhost.net.resolver import Resolver
from mailhost.protocols.dmarc.report_destinations import Destination
from mailhost.protocols.dns_facts import TemporarilyUnavailable
from mailhost.protocols.tls_report_record import HttpsPlace, Places
from mailhost.protocols.tls_reports import TlsReport

log = structlog.get_logger(__name__)

MAX_REPORTS: Final = 100  # of one round: the next one goes on
REPORTS_AT_ONCE: Final = 20  # that are asked about, packed and POSTed together: 20 MB
CLAIM: Final = timedelta(minutes=10)  # longer than DNS and POSTs of so many take
# RFC 8460 section 5.5: for 24 hours after the first attempt, with pauses that grow.
PATIENCE: Final = Patience(timedelta(minutes=20), attempts=7, factor=2)
NO_ANSWER: Final = "DNS does not say now where reports are wanted."


@dataclass(frozen=True, slots=True)
class Prepared:
    """A claimed report and its octets. places: None where DNS does not say now; taken: the places that have it."""

    feedback: TlsFeedback
    places: Places | None
    report: TlsReport
    octets: bytes
    taken: frozenset[str]


def send_due(*, now: datetime, resolver: Resolver, poster: ReportPoster | None = None) -> int:
    """Plans the days that are over, and sends what is due; how many reports. Any number of callers at once."""
    if not settings.TLS_REPORTS:
        return 0
    plan_reports(SESSIONS, now=now, per_day=settings.TLS_REPORTS_PER_DAY)
    poster = poster or ReportPoster(resolver, to_private=settings.RELAY_TO_PRIVATE)
    sent = 0
    for _ in range(MAX_REPORTS // REPORTS_AT_ONCE):
        claimed = _claim(now=now)
        if not claimed:
            break
        sent += _send_all(claimed, resolver, poster, now=now)
    return sent


def _claim(*, now: datetime) -> list[TlsFeedback]:
    """Some that are due, which no other worker finds due for a while."""
    due = TlsFeedback.objects.filter(state=FeedbackState.DUE, due_at__lte=now)
    with transaction.atomic():
        chosen = list(
            due.select_for_update(skip_locked=True, no_key=True).order_by("due_at", "pk")[:REPORTS_AT_ONCE]
        )
        TlsFeedback.objects.filter(pk__in=[each.pk for each in chosen]).update(due_at=now + CLAIM)
    return chosen


def _send_all(
    claimed: Sequence[TlsFeedback], resolver: Resolver, poster: ReportPoster, *, now: datetime
) -> int:
    places = dict(zip((each.pk for each in claimed), asyncio.run(_ask(claimed, resolver)), strict=True))
    prepared: dict[int, Prepared] = {}

    def prepare(feedback: TlsFeedback) -> bool:
        prepared[feedback.pk] = _prepare(feedback, places[feedback.pk])
        return True

    send_each(claimed, prepare, patience=PATIENCE, now=now)
    posted = asyncio.run(_post_all(list(prepared.values()), poster))
    taken = [
        TlsFeedbackCopy(feedback=prepared[pk].feedback, address=uri)
        for pk, outcomes in posted.items()
        for uri, outcome in outcomes.items()
        if outcome.is_taken
    ]
    TlsFeedbackCopy.objects.bulk_create(taken, ignore_conflicts=True)
    return send_each(
        [each.feedback for each in prepared.values()],
        lambda each: _finish(prepared[each.pk], list(posted[each.pk].values()), now=now),
        patience=PATIENCE,
        now=now,
    )


def _prepare(feedback: TlsFeedback, places: Places | None) -> Prepared:
    report = report_about(feedback)
    is_wanted = places is not None and (places.addresses or places.https)
    octets = pack(report, max_octets=settings.TLS_REPORTS_MAX_OCTETS) if is_wanted else b""
    taken = frozenset(feedback.copies.values_list("address", flat=True))
    return Prepared(feedback, places, report, octets, taken)


async def _post_all(prepared: Sequence[Prepared], poster: ReportPoster) -> dict[int, dict[str, Posted]]:
    """By report and URI: what every https place says that has not taken its report yet."""

    async def post(each: Prepared, place: HttpsPlace) -> Posted:
        if settings.RELAY == "capture":
            return Posted(note=f"Nothing leaves this host, so {place.uri} was not written to.")
        return await poster.send(place, each.octets)

    wanted = [
        (each, place)
        for each in prepared
        for place in (each.places.https if each.places else ())
        if place.uri not in each.taken
    ]
    outcomes = await asyncio.gather(*(post(each, place) for each, place in wanted))
    posted: dict[int, dict[str, Posted]] = {each.feedback.pk: {} for each in prepared}
    for (each, place), outcome in zip(wanted, outcomes, strict=True):
        posted[each.feedback.pk][place.uri] = outcome
    return posted


@transaction.atomic
def _finish(prepared: Prepared, posted: Sequence[Posted], *, now: datetime) -> bool:
    """Hands the mail over, and says what became of the report; whether that is all. Raises MailboxFact."""
    row, places = locked(prepared.feedback), prepared.places or Places(passed_over=(NO_ANSWER,))
    if row is None:
        return False
    handed = _mail(row, prepared, places, now=now)
    row.report_id, row.size_octets = prepared.report.report_id, len(prepared.octets)
    row.note = joined(
        [
            *places.passed_over,
            *handed.passed_over,
            *(each.note for each in posted if each.note),
            *_left_out(row),
        ]
    )
    row.attempts += 1
    if row.sent_at is None and row.copies.exists():
        row.sent_at = now
    is_open = prepared.places is None or any(each.is_open for each in posted)
    if is_open and row.attempts < PATIENCE.attempts:
        row.due_at = now + PATIENCE.after(row.attempts)
    else:
        row.state = FeedbackState.SENT if row.sent_at else FeedbackState.UNWANTED
    row.save(update_fields=["state", "due_at", "report_id", "size_octets", "note", "attempts", "sent_at"])
    log.info("tls report", domain=row.domain, day=row.day.isoformat(), state=row.state)
    return row.state == FeedbackState.SENT


def _mail(row: TlsFeedback, prepared: Prepared, places: Places, *, now: datetime) -> HandedOver:
    """To the addresses that have no copy yet."""
    had = set(row.copies.values_list("address", flat=True))
    left = [Destination(each) for each in places.addresses if str(each) not in had]
    if not left:
        return HandedOver()
    if not active_keys(submitter())[1]:
        # RFC 8460 section 3: reports by mail have to be signed by who reports, and are to be ignored without.
        text = f"No mail was sent: {submitter()} has no active DKIM key here, and reports have to be signed."
        return HandedOver(passed_over=(text,))
    letter = letter_of(prepared.report, prepared.octets, policy_domain=row.domain, now=now)
    handed = hand_over(letter, left, now=now)
    TlsFeedbackCopy.objects.bulk_create(
        TlsFeedbackCopy(feedback=row, address=address, queued_message_id=queued_id)
        for address, queued_id in handed.addresses
    )
    return handed


def _left_out(row: TlsFeedback) -> list[str]:
    """RFC 8460 has no place for it in the report itself."""
    if not row.left_out:
        return []
    return [f"{row.left_out} sessions are left out: there were too many kinds of them."]


async def _ask(claimed: Sequence[TlsFeedback], resolver: Resolver) -> list[Places | None]:
    """Where each report is wanted today, in order."""
    look_ups = LookUps(resolver, until=asyncio.get_running_loop().time() + DNS_SECONDS)

    async def ask(domain: str) -> Places | None:
        try:
            return await places_for(domain, txt=look_ups.txt)
        except TemporarilyUnavailable:
            return None

    try:
        return await asyncio.gather(*(ask(each.domain) for each in claimed))
    finally:
        await look_ups.close()
