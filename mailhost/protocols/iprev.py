"""iprev: whether an address has a name that leads back to it (RFC 8601 sections 2.7.3 and 3)."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final

from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable
from mailhost.protocols.dns_names import can_be_looked_up
from mailhost.protocols.spf.resolver import IpAddress, SpfResolver

# RFC 8601 section 3 asks for a limit, as RFC 7208 section 4.6.4 has one: names are the client's to make up.
MAX_NAMES: Final = 10


class Result(StrEnum):
    """RFC 8601 section 2.7.3. permerror: the address has no name at all."""

    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class IprevResult:
    """name: the first that leads back, in lower case, "" without a pass. reason: a sentence for people."""

    result: Result
    reason: str
    name: str = ""


async def iprev(*, ip: IpAddress, resolver: SpfResolver) -> IprevResult:
    """At most 11 look-ups. Never raises for what DNS says."""
    try:
        names = await resolver.ptr(ip)
    except NotFound:
        names = []
    except TemporarilyUnavailable:
        return IprevResult(Result.TEMPERROR, f"DNS did not answer which name {ip} has.")
    if not names:
        return IprevResult(Result.PERMERROR, f"{ip} has no name.")
    is_any_unknown = False
    for name in names[:MAX_NAMES]:
        name = name.lower().removesuffix(".")
        try:
            if await _leads_to(name, ip, resolver):
                return IprevResult(Result.PASS, f"{ip} is {name}.", name)
        except TemporarilyUnavailable:
            is_any_unknown = True
    if is_any_unknown:
        return IprevResult(Result.TEMPERROR, f"DNS did not answer which address a name of {ip} has.")
    return IprevResult(Result.FAIL, f"No name of {ip} leads back to it.")


async def _leads_to(name: str, ip: IpAddress, resolver: SpfResolver) -> bool:
    if not can_be_looked_up(name):
        return False
    ask = resolver.a if isinstance(ip, IPv4Address) else resolver.aaaa
    try:
        return ip in await ask(name)
    except NotFound:
        return False
