"""Handing reports to delivery: which places can be written to from here, and into the queue or into mailboxes here.

The reverse-path is not null, as RFC 5321 section 4.5.5 wants it of all but notices, and so that SPF speaks for it. That
a report is undeliverable nobody is to be told (RFC 3461): the queue shows it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from delivery.acceptance import Acceptance, accept_now
from delivery.filters.recording import Judged
from delivery.filters.report_rule import CHECK
from delivery.findings import Action, Finding, Verdict
from delivery.routing import AccountDisabled, Route, route
from domains.exceptions import DomainFact
from mailboxes.exceptions import QuotaExceeded
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dmarc.report_destinations import Destination
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from mailhost.protocols.smtp.paths import ForwardPath

UNTOLD: Final = DsnRequest(notify="NEVER")

Compose = Callable[[Sequence[EmailAddress]], bytes]


@dataclass(frozen=True, slots=True)
class Letter:
    """A report as mail. compose: makes the message for these addresses, without Return-Path; kind: as report_rule names
    it; it comes from reverse_path."""

    compose: Compose
    report_id: str
    kind: str
    reverse_path: str


@dataclass(frozen=True, slots=True)
class Addressed:
    """A destination that exists, as far as can be known here."""

    address: EmailAddress
    route: Route


@dataclass(frozen=True, slots=True)
class HandedOver:
    """addresses: each with the queued message that carries its copy, None where it is in a mailbox here already.
    passed_over: sentences about the others."""

    addresses: tuple[tuple[str, int | None], ...] = ()
    passed_over: tuple[str, ...] = ()


def hand_over(letter: Letter, destinations: Sequence[Destination], *, now: datetime) -> HandedOver:
    """In the caller's transaction. Raises MailboxFact."""
    if not destinations:
        return HandedOver()
    # As large as it is with every address, which is what each is measured by.
    octets = letter.compose([each.address for each in destinations])
    addressed, passed_over = address_all(destinations, size_octets=len(octets))
    if not addressed:
        return HandedOver(passed_over=tuple(passed_over))
    if len(addressed) < len(destinations):
        octets = letter.compose([each.address for each in addressed])
    accepted = accept_now(acceptance_of(octets, addressed, letter=letter), now=now)
    return HandedOver(
        tuple(
            (str(each.address), accepted.queued_message_id if each.route.relay else None)
            for each in addressed
        ),
        tuple(passed_over),
    )


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


def acceptance_of(octets: bytes, addressed: Sequence[Addressed], *, letter: Letter) -> Acceptance:
    """What is handed to delivery, each account and address once."""
    accounts = dict.fromkeys(account for each in addressed for account in each.route.account_ids)
    relay = {address.key: address for each in addressed for address in each.route.relay}
    own, reverse_path = _own_verdict(letter.kind), letter.reverse_path
    judged = tuple(
        Judged(account_id, own, trace_id=letter.report_id, peer="", reverse_path=reverse_path)
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


def _own_verdict(kind: str) -> Verdict:
    """By which our own reading of reports finds them."""
    findings = (
        Finding(CHECK, kind, f"It carries a {kind.upper()} report."),
        Finding("dmarc", "pass", "This host has made it itself."),
    )
    return Verdict(Action.DELIVER, 0.0, findings)
