"""The mail that carries a report (RFC 9990, "Email"), and where it goes: into the queue, or into mailboxes here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from delivery.acceptance import Acceptance
from delivery.feedback.reporting import contact
from delivery.filters.recording import Judged
from delivery.filters.report_rule import CHECK, DMARC
from delivery.findings import Action, Finding, Verdict
from delivery.routing import AccountDisabled, Route, route
from domains.exceptions import DomainFact
from mailboxes.exceptions import QuotaExceeded
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dmarc.aggregate_reports import AggregateReport
from mailhost.protocols.dmarc.aggregate_writing import report_filename, report_subject
from mailhost.protocols.dmarc.report_destinations import Destination
from mailhost.protocols.message.composing import Attachment, compose
from mailhost.protocols.message.reading import Correspondent
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from mailhost.protocols.smtp.paths import ForwardPath

# The reverse-path is not null, as RFC 5321 section 4.5.5 wants it of all but notices, and so that SPF speaks for it.
# That it is undeliverable nobody is to be told (RFC 3461): the queue shows it.
UNTOLD: Final = DsnRequest(notify="NEVER")
# Our own reading of reports finds them by their verdict.
OWN: Final = Verdict(
    Action.DELIVER,
    0.0,
    (
        Finding(CHECK, DMARC, "It carries a DMARC report."),
        Finding("dmarc", "pass", "This host has made it itself."),
    ),
)


@dataclass(frozen=True, slots=True)
class Addressed:
    """A destination that exists, as far as can be known here."""

    address: EmailAddress
    route: Route


def compose_mail(
    report: AggregateReport, attachment: bytes, *, to: Sequence[EmailAddress], now: datetime
) -> bytes:
    """The message without Return-Path; its Message-ID is the report's, so that who gets it twice can know."""
    domain = report.policy.domain
    text = (
        f"This is a DMARC aggregate report (RFC 9990), by a program for a program. It tells what came to\n"
        f"{settings.HOSTNAME} in the name of {domain} on {report.begin:%-d %B %Y} (UTC), as the DMARC\n"
        f"record of {domain} asks for with rua.\n"
    )
    filename = report_filename(report, receiver=settings.HOSTNAME, unique_id=report.report_id)
    octets = compose(
        from_=Correspondent(report.org_name, contact()),
        to=[str(each) for each in to],
        subject=report_subject(report, receiver=settings.HOSTNAME),
        text=text,
        message_id=f"<{report.report_id}@{settings.HOSTNAME}>",
        date=now,
        attachments=[Attachment(filename, "application/gzip", attachment)],
    )
    # RFC 3834 section 5: programs that answer mail must not answer this.
    return b"Auto-Submitted: auto-generated\r\n" + octets


def address_all(
    destinations: Iterable[Destination], *, size_octets: int
) -> tuple[list[Addressed], list[str]]:
    """(those that can be written to, sentences about the others)."""
    addressed: list[Addressed] = []
    passed_over: list[str] = []
    for each in destinations:
        if each.max_octets is not None and size_octets > each.max_octets:
            passed_over.append(f"{each.address} takes {each.max_octets} octets, and it has {size_octets}.")
            continue
        try:
            leads_to = route(forward_path=ForwardPath(each.address), size_octets=size_octets, may_relay=True)
        except (DomainFact, AccountDisabled, QuotaExceeded) as fact:
            passed_over.append(f"{each.address} cannot be written to here: {fact}")
            continue
        addressed.append(Addressed(each.address, leads_to))
    return addressed, passed_over


def acceptance_of(octets: bytes, addressed: Sequence[Addressed], *, report_id: str) -> Acceptance:
    """What is handed to delivery, each account and address once."""
    accounts = dict.fromkeys(account for each in addressed for account in each.route.account_ids)
    relay = {address.key: address for each in addressed for address in each.route.relay}
    reverse_path = contact()
    judged = tuple(
        Judged(account_id, OWN, trace_id=report_id, peer="", reverse_path=reverse_path)
        for account_id in accounts
    )
    return Acceptance(
        octets=b"Return-Path: <%b>\r\n%b" % (reverse_path.encode(), octets),
        judged=judged,
        relay=tuple(relay.values()),
        reverse_path=reverse_path,
        is_smtputf8=not all(str(address).isascii() for address in (reverse_path, *relay.values())),
        dsn_requests=dict.fromkeys(relay, UNTOLD),
    )
