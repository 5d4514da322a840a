"""Which domains ask for TLS reports, and where they want them (RFC 8460 section 3)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from delivery.filters.look_ups import LookUps
from mailhost.net.resolver import Resolver
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable
from mailhost.protocols.dns_names import can_be_looked_up
from mailhost.protocols.tls_report_record import LABELS, NoRecord, Places, places_of, report_uris

DNS_SECONDS: Final = 20.0  # for all that are asked about at once; nothing but counts and reports waits for it

Txt = Callable[[str], Awaitable[Sequence[bytes]]]


async def places_for(domain: str, *, txt: Txt) -> Places:
    """Where its reports go; without any, passed_over says why. Raises TemporarilyUnavailable."""
    name = f"{LABELS}.{domain}"
    if not can_be_looked_up(name):
        return Places(passed_over=("The domain's name is too long for a TLSRPT record.",))
    try:
        return places_of(report_uris(await txt(name)))
    except NotFound:
        return Places(passed_over=("The domain asks for no TLS reports.",))
    except NoRecord as fact:
        return Places(passed_over=(str(fact),))


async def asking(domains: Collection[str], *, resolver: Resolver) -> set[str]:
    """Those that ask for reports, and those about which DNS does not answer now: it is asked again before sending."""
    look_ups = LookUps(resolver, until=asyncio.get_running_loop().time() + DNS_SECONDS)

    async def asks(domain: str) -> bool:
        try:
            places = await places_for(domain, txt=look_ups.txt)
        except TemporarilyUnavailable:
            return True
        return bool(places.addresses or places.https)

    try:
        answers = await asyncio.gather(*map(asks, domains))
    finally:
        await look_ups.close()
    return {domain for domain, is_asking in zip(domains, answers, strict=True) if is_asking}
