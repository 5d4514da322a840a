"""Everything that is looked at when a message comes in, and the verdict for each account that it is for."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from django.conf import settings

from delivery.filters.authentication import Authentication, authenticate
from delivery.filters.authenticity import authenticity_findings, is_forged
from delivery.filters.checkers.asking import ask_checkers
from delivery.filters.checkers.case import Opinion
from delivery.filters.checkers.checking import Checkers
from delivery.filters.checkers.recipients import Leads, refusing_accounts
from delivery.filters.header_rules import header_findings
from delivery.filters.incoming import Incoming, domain_of
from delivery.filters.look_ups import LookUps
from delivery.filters.part_rules import part_findings
from delivery.filters.policies import Place, Policy, read_policies
from delivery.filters.report_rule import report_findings
from delivery.filters.returned_rule import returned_findings
from delivery.filters.wording import junk_finding
from delivery.findings import Finding, Verdict, judge
from mailboxes.junk.classifier import UNTRAINED
from mailboxes.junk.judging import classify, classify_by_site
from mailboxes.junk.site_counts import SiteCounts
from mailboxes.junk.texts import html_octets
from mailboxes.store.append import SLOW_OCTETS
from mailhost.net.resolver import Resolver
from mailhost.net.store_threads import in_store
from mailhost.protocols.authentication_results import authentication_results_field
from mailhost.protocols.milter.answers import HeaderChange
from mailhost.protocols.smtp.replies import Reply

# From here on words are read in a thread: HTML of that size takes more than a millisecond. Plain text never does.
MUCH_HTML_OCTETS = 12 << 10
MAX_SENDERS = 10  # of one message, for which rules are looked up


Verdicts = Mapping[int, tuple[Verdict, Place | None]]


@dataclass(frozen=True, slots=True)
class Examination:
    """results_field: the Authentication-Results field, b"" where nothing was asked.

    verdicts: by account id, with the mailbox that it leads to (None: INBOX); accounts that are not there are gone, or
    have nothing to say about it. findings: those that are the same for everybody. authentication: None where nobody was
    asked who it is from. header_changes: what milters want of the header, once it has no results fields that pose as
    ours. deferral: a checker wants the message later.
    """

    results_field: bytes = b""
    verdicts: Verdicts = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    authentication: Authentication | None = None
    header_changes: tuple[HeaderChange, ...] = ()
    deferral: Reply | None = None


async def examine(
    message: Incoming,
    *,
    policies: Mapping[int, Policy],
    is_trusted: bool,
    asks_accounts: bool,
    resolver: Resolver | None,
    site: SiteCounts | None,
    host_name: str,
    now: datetime,
    known: Sequence[Finding] = (),
    checkers: Checkers | None = None,
    leads: Mapping[str, Leads] | None = None,
) -> Examination:
    """Looks at the message. Raises StoreUnavailable.

    policies: of the accounts that it is for. is_trusted: a client of ours, for whom DNS and signatures are not asked.
    asks_accounts: some account has rules for senders, or lessons of its own: they are asked in a thread. site: what all
    accounts have taught. host_name: this host's name. known: what was found out about the client before. leads: where
    each forward-path leads, for checkers that refuse single ones.
    """
    authentication, opinion = await _ask(
        message, resolver, checkers, is_trusted=is_trusted, host_name=host_name, now=now
    )
    everybody, refusing = refusing_accounts(opinion.refused, leads or {})
    if len(message.octets) < SLOW_OCTETS:
        findings = _look(message, now)
    else:
        findings = await in_store(_look, message, now)
    findings = [*opinion.findings, *everybody, *findings, *known]
    if authentication is not None:
        findings += authenticity_findings(
            authentication, trusted_sealers=settings.TRUSTED_SEALERS, known_lists=settings.KNOWN_LISTS
        )
    results_field = (
        b"" if authentication is None else authentication_results_field(host_name, authentication.results())
    )
    verdicts: Verdicts = {}
    if asks_accounts or refusing:
        forged = authentication is not None and is_forged(authentication)
        verdicts = await in_store(
            judge_for, message, policies, findings, is_forged=forged, refusing=refusing, site=site
        )
    elif policies:
        verdicts = await _judge_alike(message, policies, findings, site)
    return Examination(
        results_field, verdicts, tuple(findings), authentication, opinion.changes, opinion.deferral
    )


async def _judge_alike(
    message: Incoming, policies: Mapping[int, Policy], findings: Sequence[Finding], site: SiteCounts | None
) -> Verdicts:
    """For accounts that have said nothing of their own: they differ in their thresholds."""
    judgement = UNTRAINED
    if site is not None and settings.CLASSIFIER:
        if len(message.octets) < MUCH_HTML_OCTETS or html_octets(message.root) < MUCH_HTML_OCTETS:
            judgement = classify_by_site(message.octets, site, message.root)
        else:
            judgement = await in_store(classify_by_site, message.octets, site, message.root)
    said = [*findings, *junk_finding(judgement)]
    verdicts = {
        thresholds: judge(said, thresholds) for thresholds in {p.thresholds for p in policies.values()}
    }
    return {
        account_id: (verdicts[policy.thresholds], policy.place(verdicts[policy.thresholds]))
        for account_id, policy in policies.items()
    }


async def _ask(
    message: Incoming,
    resolver: Resolver | None,
    checkers: Checkers | None,
    *,
    is_trusted: bool,
    host_name: str,
    now: datetime,
) -> tuple[Authentication | None, Opinion]:
    """DNS and the checkers, beside each other. Of a trusted client DNS tells its name alone, and only to checkers."""
    if resolver is None or (is_trusted and not checkers):
        return None, await ask_checkers(message, checkers, host_name=host_name, look_ups=None)
    until = asyncio.get_running_loop().time() + settings.FILTER_DNS_SECONDS
    look_ups = LookUps(resolver, until=until)
    if not checkers:
        try:
            return await authenticate(message, look_ups=look_ups, host_name=host_name, now=now), Opinion()
        finally:
            await look_ups.close()
    outside = asyncio.ensure_future(ask_checkers(message, checkers, host_name=host_name, look_ups=look_ups))
    try:
        found = None
        if not is_trusted:
            found = await authenticate(message, look_ups=look_ups, host_name=host_name, now=now)
        return found, await outside
    finally:
        outside.cancel()
        await look_ups.close()


def _look(message: Incoming, now: datetime) -> list[Finding]:
    """What the message itself shows."""
    return [
        *header_findings(message, now=now),
        *part_findings(message),
        *report_findings(message),
        *returned_findings(message),
    ]


def judge_for(
    message: Incoming,
    account_ids: Collection[int],
    findings: Sequence[Finding],
    *,
    is_forged: bool,
    refusing: Mapping[int, Finding] = MappingProxyType({}),
    site: SiteCounts | None = None,
) -> Verdicts:
    """Each account's verdict, and the mailbox that it leads to; without accounts that are gone.

    refusing: by account id, why a checker refuses it for that one. Without site what all have taught is asked of the
    database.
    """
    policies = read_policies(account_ids=account_ids, senders=senders_of(message))
    judgements = classify(list(policies), message.octets, site=site) if settings.CLASSIFIER else {}
    verdicts = {}
    for account_id, policy in policies.items():
        own = [*policy.findings(is_forged=is_forged), *junk_finding(judgements.get(account_id, UNTRAINED))]
        if account_id in refusing:
            own.append(refusing[account_id])
        verdict = judge([*findings, *own], policy.thresholds)
        verdicts[account_id] = (verdict, policy.place(verdict))
    return verdicts


def senders_of(message: Incoming) -> list[str]:
    """Who sends it, as people see it first: the authors, then the reverse-path."""
    return list(dict.fromkeys(_senders(message)))[:MAX_SENDERS]


def _senders(message: Incoming) -> Iterable[str]:
    for address in message.addresses(b"from"):
        yield f"{(address.mailbox or b'').decode('utf-8', 'replace')}@{domain_of(address)}"
    if message.reverse_path:
        yield message.reverse_path
