"""Networks as they are counted and banned: what one customer has, and what lies beside it."""

import functools
import ipaddress
from typing import Final

from mailhost.bans.exceptions import NetworkInvalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KNOWN_ADDRESSES: Final = 4096  # looked at lately; parsing one takes 10 µs
# One customer has one IPv4 address or an IPv6 /64; neighbours are often one sender too.
CUSTOMER: Final = {4: 32, 6: 64}
NEIGHBOURHOOD: Final = {4: 24, 6: 48}
# RFC 6647: big senders try again from a neighbour; section 7 has /64 for IPv6.
GREYLISTED: Final = {4: 24, 6: 64}
# The widest that can be banned: 16 million addresses of IPv4, what a registry gives a provider of IPv6.
WIDEST: Final = {4: 8, 6: 19}


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def customer(peer: str) -> Network:
    """The address itself, or its /64. peer: an IP address as text; an IPv4-mapped one is an IPv4 address."""
    return _around(peer, CUSTOMER)


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def neighbourhood(peer: str) -> Network:
    """The /24 or /48 around an address."""
    return _around(peer, NEIGHBOURHOOD)


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def greylisted_network(peer: str) -> Network:
    """The /24 or /64 from which a message may be brought again."""
    return _around(peer, GREYLISTED)


def parse_network(text: str) -> Network:
    """What an operator wrote: an address (IPv6: with its /64) or a network. Raises NetworkInvalid."""
    try:
        if "/" not in text:
            return customer(text.strip())
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise NetworkInvalid(
            f"{text!r} is neither an IP address nor a network such as 192.0.2.0/24."
        ) from None
    if network.prefixlen < WIDEST[network.version]:
        raise NetworkInvalid(
            f"{network} is too wide: /{WIDEST[network.version]} is the widest that can be banned."
        )
    return network


def _around(peer: str, prefixes: dict[int, int]) -> Network:
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return ipaddress.ip_network((address, prefixes[address.version]), strict=False)
