"""What an SPF check asks of DNS (RFC 7208 section 4.4)."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

IpAddress = IPv4Address | IPv6Address


class SpfResolver(Protocol):
    """Look-ups that follow CNAMEs. Each raises NotFound or TemporarilyUnavailable of `protocols.dns_facts`.

    Names are ASCII without a final dot, at most 253 octets, labels of at most 63; any printable octet may stand
    in a label, and a backslash is one of them, not an escape.
    """

    async def txt(self, name: str) -> Sequence[bytes]:
        """Every TXT record, the strings of each joined (RFC 7208 section 3.3)."""

    async def a(self, name: str) -> Sequence[IPv4Address]:
        """The IPv4 addresses of a name."""

    async def aaaa(self, name: str) -> Sequence[IPv6Address]:
        """The IPv6 addresses of a name."""

    async def mx(self, name: str) -> Sequence[str]:
        """The names of MX hosts; "" for a null MX (RFC 7505)."""

    async def ptr(self, ip: IpAddress) -> Sequence[str]:
        """The names that the reverse tree gives for an address."""
