"""From a message's From domain, and what SPF and DKIM say, to DMARC's result (RFC 9989 sections 4.4 and 5.3)."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mailhost.protocols.dmarc.record import DmarcRecord, Policy
from mailhost.protocols.dmarc.results import DmarcResult, Result
from mailhost.protocols.dmarc.tree_walk import RegistrableDomain, TreeWalks, Txt
from mailhost.protocols.dns_facts import TemporarilyUnavailable

Exists = Callable[[str], Awaitable[bool]]
"""Whether a name is in DNS at all, that is whether it is not NXDOMAIN; raises TemporarilyUnavailable."""

_STRICTNESS: Final = (Policy.NONE, Policy.QUARANTINE, Policy.REJECT)


def without_author_domain(reason: str) -> DmarcResult:
    """The result for a message whose From has no single domain: DMARC says nothing of it (section 5.3.1)."""
    return DmarcResult(Result.NONE, "", reason)


def strictest(found: Sequence[DmarcResult], *, reason: str) -> DmarcResult:
    """The result for a message whose From has no single domain, from those of every domain that a reader may see.

    Section 5.3.1 leaves such messages to the receiver. Whoever forges From only has to add an address, or to write it
    so that readers differ, so that what fails for one of the domains fails, by the strictest policy among them.
    """
    failed = [each for each in found if each.result == Result.FAIL]
    if not failed:
        return without_author_domain(reason)
    worst = max(failed, key=lambda each: _STRICTNESS.index(each.policy))
    return replace(worst, reason=f"{reason} {worst.reason}")


async def evaluate(
    *,
    from_domain: str,
    spf_domain: str,
    spf_result: str,
    dkim_domains: Iterable[str],
    txt: Txt,
    dkim_temperror_domains: Iterable[str] = (),
    registrable: RegistrableDomain | None = None,
    exists: Exists | None = None,
) -> DmarcResult:
    """DMARC for one message; never raises for what DNS says.

    from_domain: an A-label, of `author_domain`. spf_domain and spf_result: of the MAIL FROM identity.
    dkim_domains: d= of every signature that verifies; dkim_temperror_domains: of those whose key could not be
    asked for. registrable: the public suffix list, for where the tree walk alone goes too far. exists is asked
    only where the record tells names apart that do not exist (np).
    """
    from_domain = _plain(from_domain)
    walks = TreeWalks(txt)
    try:
        found = await _discover(from_domain, walks, registrable)
        record = found.record
        if record is None:
            return found
        if not record.is_usable:
            reason = f"The DMARC record of {found.domain} cannot be used: a policy in it is none of DMARC's."
            return replace(found, result=Result.PERMERROR, reason=reason)
        policy = await _policy(found, record, exists)
    except TemporarilyUnavailable:
        reason = f"DNS did not answer what the DMARC policy of {from_domain} is."
        return DmarcResult(Result.TEMPERROR, from_domain, reason)
    identifiers = _Identifiers(found, record, walks, registrable)
    dkim = await identifiers.signed_by(dkim_domains)
    spf = await identifiers.sent_by(spf_domain if spf_result == "pass" else None)
    if dkim or spf:
        return _passed(replace(found, policy=policy), dkim, spf)
    # RFC 9989 section 5.3.6: what might yet authenticate the message leaves neither pass nor fail.
    undecided = await identifiers.signed_by(dkim_temperror_domains)
    undecided += await identifiers.sent_by(spf_domain if spf_result == "temperror" else None)
    if undecided or identifiers.is_any_unknown:
        reason = f"DNS did not answer what would tell whether {from_domain} is authenticated."
        return replace(found, result=Result.TEMPERROR, reason=reason)
    reason = f"Neither SPF nor DKIM authenticates {from_domain}."
    return replace(found, result=Result.FAIL, reason=reason, policy=policy)


def _passed(found: DmarcResult, dkim: list[str], spf: list[str]) -> DmarcResult:
    how = f"signed by {dkim[0]}" if dkim else f"from where SPF lets {spf[0]} send"
    return replace(
        found,
        result=Result.PASS,
        reason=f"{found.from_domain} is authenticated: the message is {how}.",
        aligned_dkim=tuple(dkim),
        is_spf_aligned=bool(spf),
    )


async def _discover(from_domain: str, walks: TreeWalks, registrable: RegistrableDomain | None) -> DmarcResult:
    """A result that says where the record is, as yet without more (RFC 9989 section 4.10.1)."""
    walk = await walks.walk(from_domain)
    organizational_domain = walk.organizational_domain(registrable)
    found = walk.policy_record(organizational_domain)
    if found is None:
        return DmarcResult(Result.NONE, from_domain, f"{from_domain} publishes no DMARC policy.")
    domain, record = found
    return DmarcResult(
        Result.NONE,
        from_domain,
        "",
        domain=domain,
        organizational_domain=organizational_domain,
        record=record,
    )


async def _policy(found: DmarcResult, record: DmarcRecord, exists: Exists | None) -> Policy:
    is_subdomain = found.from_domain != found.domain
    is_asked = is_subdomain and record.nonexistent_policy is not None and exists is not None
    is_existing = await exists(found.from_domain) if is_asked and exists else True
    return record.policy_for(is_subdomain=is_subdomain, is_existing=is_existing)


@dataclass
class _Identifiers:
    """Which authenticated domains are those of From's organization (RFC 9989 section 4.4)."""

    found: DmarcResult
    record: DmarcRecord
    walks: TreeWalks
    registrable: RegistrableDomain | None
    is_any_unknown: bool = False  # DNS did not say of one that might be

    async def signed_by(self, domains: Iterable[str]) -> list[str]:
        """Which of the domains of signatures are aligned, each once."""
        return await self._aligned(domains, is_strict=self.record.is_dkim_strict)

    async def sent_by(self, domain: str | None) -> list[str]:
        """SPF's domain, if there is one and it is aligned."""
        return await self._aligned([domain] if domain else [], is_strict=self.record.is_spf_strict)

    async def _aligned(self, domains: Iterable[str], *, is_strict: bool) -> list[str]:
        """Only what lies within the organization's domain is asked for, so that a signature of somebody else's
        costs no look-up and cannot leave the result open."""
        kept = []
        for domain in dict.fromkeys(map(_plain, domains)):
            if domain == self.found.from_domain:
                kept.append(domain)
            elif not is_strict and _is_within(domain, self.found.organizational_domain):
                try:
                    walk = await self.walks.walk(domain)
                except TemporarilyUnavailable:
                    self.is_any_unknown = True
                    continue
                if walk.organizational_domain(self.registrable) == self.found.organizational_domain:
                    kept.append(domain)
        return kept


def _is_within(domain: str, above: str) -> bool:
    return domain == above or domain.endswith("." + above)


def _plain(domain: str) -> str:
    return domain.lower().removesuffix(".")
