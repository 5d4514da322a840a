"""DNS within the limits of a check (RFC 7208 section 4.6.4), and names that an address validates (section 5.5)."""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address
from typing import Final, TypeVar

from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable
from mailhost.protocols.dns_names import can_be_looked_up
from mailhost.protocols.spf.resolver import IpAddress, SpfResolver

# RFC 7208 section 4.6.4, all four. What is beyond the first three is permerror; of the names that an address
# has, which are not the domain's doing, the rest is passed over.
MAX_TERMS: Final = 10
MAX_VOID: Final = 2
MAX_MX_HOSTS: Final = 10
MAX_PTR_NAMES: Final = 10

Found = TypeVar("Found")


class LimitExceeded(Exception):
    """The record asks too much of DNS; the message is a sentence for people."""


class LookUps:
    """The look-ups of one check. A name that DNS cannot hold has no records (RFC 7208 section 4.8)."""

    def __init__(self, resolver: SpfResolver) -> None:
        self._resolver = resolver
        self._terms = 0
        self._void = 0

    def count_term(self) -> None:
        """To be called for each mechanism or modifier that asks DNS. LimitExceeded."""
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise LimitExceeded(f"it asks for more than {MAX_TERMS} look-ups")

    async def txt(self, name: str) -> Sequence[bytes]:
        """Not counted as void: what is missing here has a result of its own."""
        try:
            return await self._resolver.txt(name) if can_be_looked_up(name) else []
        except NotFound:
            return []

    async def addresses(self, name: str, *, like: IpAddress) -> Sequence[IpAddress]:
        """The name's addresses of the same family. LimitExceeded."""
        ask = self._resolver.a if isinstance(like, IPv4Address) else self._resolver.aaaa
        return await self._counted(ask, name)

    async def exists(self, name: str) -> bool:
        """Whether the name has an IPv4 address. LimitExceeded."""
        return bool(await self._counted(self._resolver.a, name))

    async def mx_hosts(self, name: str) -> Sequence[str]:
        """LimitExceeded."""
        hosts = await self._counted(self._resolver.mx, name)
        if len(hosts) > MAX_MX_HOSTS:
            raise LimitExceeded(f"{name} has more than {MAX_MX_HOSTS} MX hosts")
        return [host.removesuffix(".") for host in hosts]

    async def validated_names(self, ip: IpAddress, *, within: str = "") -> list[str]:
        """Names of the address that lead back to it, those in the domain only if one is given."""
        try:
            names = await self._resolver.ptr(ip)
        except (NotFound, TemporarilyUnavailable):  # RFC 7208 section 5.5: fails to match
            return []
        asked = [name.lower().removesuffix(".") for name in names[:MAX_PTR_NAMES]]
        return [
            name for name in asked if is_within(name, within) and await leads_to(name, ip, self._resolver)
        ]

    async def _counted(self, ask: Callable[[str], Awaitable[Sequence[Found]]], name: str) -> Sequence[Found]:
        if not can_be_looked_up(name):
            return []
        try:
            found = await ask(name)
        except NotFound:
            found = []
        if not found:
            self._void += 1
            if self._void > MAX_VOID:
                raise LimitExceeded(f"more than {MAX_VOID} of the names in it have no records")
        return found


def is_within(name: str, domain: str) -> bool:
    """Whether the name is the domain or below it; everything is within ""."""
    return not domain or name == domain.lower() or name.endswith("." + domain.lower())


async def leads_to(name: str, ip: IpAddress, resolver: SpfResolver) -> bool:
    """Whether the name has this address. What cannot be looked up now does not (RFC 7208 section 5.5)."""
    if not can_be_looked_up(name):
        return False
    ask = resolver.a if isinstance(ip, IPv4Address) else resolver.aaaa
    try:
        return ip in await ask(name)
    except (NotFound, TemporarilyUnavailable):
        return False
