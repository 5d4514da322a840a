"""Which DANE policy a host has: by secure answers for its addresses and its TLSA records (RFC 7672 section 2)."""

import asyncio
from collections.abc import Sequence

from delivery.relay.tls.policy import Dane
from mailhost.net.resolver import NoAnswer, NoSuchDomain, Resolver
from mailhost.protocols.dane import MAX_RECORDS, usable


async def securely_named(domain: str, *, resolver: Resolver) -> str:
    """The domain, or the one that CNAMEs lead to from it, where DNSSEC vouches for its MX records, or it has none and
    is its own host; "" where nobody vouches for them. Raises DnsUnavailable.
    """
    try:
        found = await resolver.validation(domain, "MX")
    except NoSuchDomain:
        return ""
    except NoAnswer:  # a lie about that names no other host: the domain's own addresses are looked at then
        return domain
    return found.name if found.is_validated else ""


async def find_dane(host: str, *, port: int, next_hops: Sequence[str], resolver: Resolver) -> Dane | None:
    """The policy of a host that was named securely; None where it has none.

    next_hops: the domain that it takes mail for, and where CNAMEs lead from it (section 3.2.2).
    Raises DnsUnavailable: then this host is left alone, since an attacker can make DNS fail (section 2.1.2).
    """
    for base in await _tlsa_bases(host, resolver=resolver):
        # Answers nobody vouches for are none (section 2.2). An empty one leads to the next base, and then to no DANE.
        if records := await resolver.tlsa(f"_{port}._tcp.{base}"):
            names = tuple(dict.fromkeys([base, host, *next_hops]))
            return Dane(usable(records), names, tuple(records[:MAX_RECORDS]))
    return None


async def _tlsa_bases(host: str, *, resolver: Resolver) -> Sequence[str]:
    """Names under which TLSA records are looked for: where CNAMEs lead, then the host's own (section 2.2.2)."""
    found = await asyncio.gather(
        *(resolver.validation(host, kind) for kind in ("A", "AAAA")), return_exceptions=True
    )
    answers = [each for each in found if not isinstance(each, BaseException)]
    if not answers:
        # What failed says so; without addresses there is nobody to connect to.
        failures = [each for each in found if isinstance(each, BaseException)]
        if nothing := next(
            (each for each in failures if not isinstance(each, NoAnswer | NoSuchDomain)), None
        ):
            raise nothing
        return []
    names = {each.name for each in answers} - {host}
    if all(each.is_validated for each in answers):
        return [*sorted(names), host]
    if not names:
        return []
    # The host is a CNAME that leads to where nobody vouches; its own zone may be signed still.
    try:
        is_signed = (await resolver.validation(host, "CNAME")).is_validated
    except (NoAnswer, NoSuchDomain):
        return []
    return [host] if is_signed else []
