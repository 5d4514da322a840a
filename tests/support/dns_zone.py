"""DNS for tests of what asks it, without any I/O: names with their records, and those that do not answer."""

import asyncio
import ipaddress
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable

Returned = TypeVar("Returned")
MAX_CNAMES = 8


@dataclass
class DnsZone:
    """records: by name in lower case, then by type; TXT as octets. silent: types that are not answered, by name.

    What is written into it follows CNAMEs, as a recursive server does.
    """

    records: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    silent: dict[str, set[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def say(self, name: str, kind: str, *values: Any) -> "DnsZone":
        self.records.setdefault(name.lower(), {}).setdefault(kind, []).extend(values)
        return self

    def fall_silent(self, name: str, *kinds: str) -> "DnsZone":
        self.silent.setdefault(name.lower(), set()).update(kinds or {"A", "AAAA", "MX", "PTR", "TXT"})
        return self

    async def txt(self, name: str) -> Sequence[bytes]:
        return self._look_up(name, "TXT")

    async def a(self, name: str) -> Sequence[IPv4Address]:
        return [IPv4Address(each) for each in self._look_up(name, "A")]

    async def aaaa(self, name: str) -> Sequence[IPv6Address]:
        return [IPv6Address(each) for each in self._look_up(name, "AAAA")]

    async def mx(self, name: str) -> Sequence[str]:
        return self._look_up(name, "MX")

    async def ptr(self, ip: IPv4Address | IPv6Address) -> Sequence[str]:
        return self._look_up(ipaddress.ip_address(ip).reverse_pointer, "PTR")

    async def exists(self, name: str) -> bool:
        return name.lower() in self.records

    def _look_up(self, name: str, kind: str) -> list[Any]:
        assert name.isascii()
        assert not name.endswith(".")
        self.asked.append((name, kind))
        for _ in range(MAX_CNAMES):
            key = name.lower().removesuffix(".")
            found = self.records.get(key, {})
            if kind in self.silent.get(key, set()):
                raise TemporarilyUnavailable(name)
            if kind in found:
                return found[kind]
            if "CNAME" not in found:
                raise NotFound(name)
            name = found["CNAME"][0]
        raise TemporarilyUnavailable(name)


def run(coroutine: Coroutine[Any, Any, Returned]) -> Returned:
    """What the coroutine returns; it waits for nothing but the zone."""
    return asyncio.run(coroutine)
