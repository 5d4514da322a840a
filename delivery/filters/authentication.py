"""Who a message is from, as far as DNS and signatures tell: iprev, SPF, DKIM, ARC, DMARC, and the field that says so.

RFC 8601, RFC 7208, RFC 6376, RFC 8617, RFC 9989. Nothing here decides: see delivery/filters/authenticity.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, ParamSpec, TypeVar

from delivery.filters.incoming import Incoming, domain_of
from delivery.filters.look_ups import LookUps
from mailboxes.store.append import SLOW_OCTETS
from mailhost.net.eagerly import together
from mailhost.net.store_threads import in_store
from mailhost.protocols import arc, authentication_results, dkim, dmarc, spf
from mailhost.protocols.addresses import AddressSyntaxError, parse_domain
from mailhost.protocols.authentication_results import MethodResult
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.iprev import IprevResult, iprev
from mailhost.protocols.message.text import decode_words

MAX_AUTHOR_DOMAINS: Final = 5  # each costs a few look-ups; people's messages have one
_BEHIND_AT: Final = re.compile(r"@\s*([\w.\-]+)")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Authentication:
    """What was found. helo: what SPF was asked about where the reverse-path is null."""

    reverse_path: str
    helo: str
    ip: str
    iprev: IprevResult
    spf: spf.SpfResult
    dkim: tuple[dkim.Verification, ...]
    arc: arc.ChainVerification
    dmarc: dmarc.DmarcResult

    @property
    def signing_domains(self) -> list[str]:
        """Of all signatures that hold."""
        return [each.domain for each in self.dkim if each.result == dkim.Result.PASS]

    def results(self) -> list[MethodResult]:
        """As Authentication-Results tells them."""
        results = [
            authentication_results.iprev(self.iprev.result, ip=self.ip),
            authentication_results.spf(self.spf.result, mail_from=self.reverse_path, helo=self.helo),
            *(
                authentication_results.dkim(
                    each.result, domain=each.domain, selector=each.selector, signature=each.signature_start
                )
                for each in self.dkim
            ),
        ]
        if not self.dkim:
            results.append(MethodResult("dkim", "none"))
        if self.arc.status != arc.ChainStatus.NONE:
            results.append(authentication_results.arc(self.arc.status, remote_ip=self.ip))
        return [
            *results,
            authentication_results.dmarc(
                self.dmarc.result, from_domain=self.dmarc.from_domain, policy=self.dmarc.policy
            ),
        ]


async def authenticate(
    message: Incoming, *, look_ups: LookUps, host_name: str, now: datetime
) -> Authentication:
    """Asks all that can be asked at once, then DMARC. Never raises for what DNS or the message say.

    host_name: this host's name.
    """
    domain, sender = spf.mail_from_identity(message.reverse_path, helo=message.helo)
    found_iprev, found_spf, (found_dkim, found_arc) = await together(
        iprev(ip=message.peer, resolver=look_ups),
        spf.check_host(
            ip=message.peer,
            domain=_a_labels(domain),
            sender=sender,
            helo=message.helo,
            resolver=look_ups,
            receiver=host_name,
            now=now,
        ),
        _verify(message, look_ups, now),
    )
    return Authentication(
        message.reverse_path,
        message.helo,
        str(message.peer),
        found_iprev,
        found_spf,
        found_dkim,
        found_arc,
        await _dmarc(message, found_spf, found_dkim, look_ups),
    )


async def _verify(
    message: Incoming, look_ups: LookUps, now: datetime
) -> tuple[tuple[dkim.Verification, ...], arc.ChainVerification]:
    if not dkim.mentions_signatures(message.octets):
        return (), arc.NO_CHAIN
    signed = await _compute(message, dkim.read_signed_message, message.octets)
    found_dkim, found_arc = await together(
        _verify_signatures(message, signed, look_ups, now), _verify_chain(message, signed, look_ups, now)
    )
    return found_dkim, found_arc


async def _verify_signatures(
    message: Incoming, signed: dkim.SignedMessage, look_ups: LookUps, now: datetime
) -> tuple[dkim.Verification, ...]:
    found = await _compute(message, dkim.find_signatures, signed, now=now)
    signatures = [each for each in found if isinstance(each, dkim.MessageSignature)]
    names = list(dict.fromkeys(each.key_name for each in signatures))
    found_keys = await together(*(dkim.look_up_key(name, txt=look_ups.txt) for name in names))
    keys = dict(zip(names, found_keys, strict=True))
    return tuple(
        [
            await _compute(message, dkim.check, signed, each, keys[each.key_name])
            if isinstance(each, dkim.MessageSignature)
            else each
            for each in found
        ]
    )


async def _verify_chain(
    message: Incoming, signed: dkim.SignedMessage, look_ups: LookUps, now: datetime
) -> arc.ChainVerification:
    sets = await _compute(message, arc.find_sets, signed, now=now)
    if isinstance(sets, arc.ChainVerification):
        return sets
    names = arc.key_names(sets)
    keys = await together(*(dkim.look_up_key(name, txt=look_ups.txt) for name in names))
    return await _compute(message, arc.check_chain, signed, sets, dict(zip(names, keys, strict=True)))


async def _dmarc(
    message: Incoming,
    found_spf: spf.SpfResult,
    signatures: tuple[dkim.Verification, ...],
    look_ups: LookUps,
) -> dmarc.DmarcResult:
    async def evaluate(from_domain: str) -> dmarc.DmarcResult:
        # RFC 9989 section 4.4.2: a null reverse-path is authenticated by what the client calls itself.
        return await dmarc.evaluate(
            from_domain=from_domain,
            spf_domain=found_spf.domain,
            spf_result=found_spf.result,
            dkim_domains=[each.domain for each in signatures if each.result == dkim.Result.PASS],
            dkim_temperror_domains=[
                each.domain for each in signatures if each.result == dkim.Result.TEMPERROR
            ],
            txt=look_ups.txt,
            registrable=registrable_domain,
            exists=look_ups.exists,
        )

    try:
        return await evaluate(dmarc.author_domain(message.list_values(b"from")))
    except dmarc.NoAuthorDomain as fact:
        found = [await evaluate(domain) for domain in _domains_that_readers_see(message)]
        return dmarc.strictest(found, reason=str(fact))


def _domains_that_readers_see(message: Incoming) -> list[str]:
    """Of a From that is more than one, or that cannot be read: what a program might show, up to a bound."""
    texts = [domain_of(address) for address in message.addresses(b"from")]
    for value in message.list_values(b"from"):
        texts += _BEHIND_AT.findall(decode_words(value))[:MAX_AUTHOR_DOMAINS]
    domains: dict[str, None] = {}
    for text in texts:
        try:
            domains[parse_domain(text.strip("."))] = None
        except AddressSyntaxError:
            continue
    return list(domains)[:MAX_AUTHOR_DOMAINS]


async def _compute(message: Incoming, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In the loop, or for large messages in a thread: what takes milliseconds would hold up all other sessions."""
    if len(message.octets) < SLOW_OCTETS:
        return function(*args, **kwargs)
    return await in_store(function, *args, **kwargs)


def _a_labels(domain: str) -> str:
    """As DNS has it; a domain that cannot be written so stays as it is, and has no record."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain
