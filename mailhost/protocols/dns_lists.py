"""DNS block lists and allow lists of IP addresses (RFC 5782): the names to ask for, and what the answers say."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Final

IpAddress = IPv4Address | IPv6Address

# Section 2.1: what a list says lies in here; an address elsewhere is some provider's page for names that do not exist.
ANSWERS: Final = IPv4Network("127.0.0.0/8")
# Not in the RFC: several lists answer from here to who may not ask, asks too much, or asks by a public resolver.
COMPLAINTS: Final = IPv4Network("127.255.255.0/24")
# Section 5: this address must not be on any list. One that has it has the whole world.
NEVER_LISTED_IPV4: Final = IPv4Address("127.0.0.1")
NEVER_LISTED_IPV6: Final = IPv6Address("::ffff:7f00:1")


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """codes: what the list says of an address, in order. complaints: what it says of us; strange: no answers."""

    codes: tuple[IPv4Address, ...] = ()
    complaints: tuple[IPv4Address, ...] = ()
    strange: tuple[IPv4Address, ...] = ()

    @property
    def is_listed(self) -> bool:
        """Whether the address is on the list, as far as the answer can be believed."""
        return bool(self.codes) and not self.complaints and not self.strange


def query_name(address: IpAddress, zone: str) -> str:
    """The name to ask for A records of: sections 2.1 (IPv4) and 2.4 (IPv6). zone: the list's domain."""
    return f"{_reversed(address)}.{zone}"


def canary_name(address: IpAddress, zone: str) -> str:
    """The name of what is never listed, in the address's family (section 5)."""
    return query_name(NEVER_LISTED_IPV4 if address.version == 4 else NEVER_LISTED_IPV6, zone)


def read_answer(records: Iterable[IPv4Address]) -> ListAnswer:
    """What the A records of a query name say; none: not listed."""
    answers = sorted(set(records))
    return ListAnswer(
        codes=tuple(each for each in answers if each in ANSWERS and each not in COMPLAINTS),
        complaints=tuple(each for each in answers if each in COMPLAINTS),
        strange=tuple(each for each in answers if each not in ANSWERS),
    )


def _reversed(address: IpAddress) -> str:
    if isinstance(address, IPv4Address):
        return ".".join(reversed(str(address).split(".")))
    return ".".join(reversed(address.exploded.replace(":", "")))
