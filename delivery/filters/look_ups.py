"""DNS for one message: each question is asked once, and all answers have to come within one time (RFC 7208 4.6.4)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

import dns.rdatatype

from mailhost.net.resolver import DnsUnavailable, LookUpFailed, NoAnswer, NoSuchDomain, Resolver
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable

N = TypeVar("N", bound=Hashable)
T = TypeVar("T")
IpAddress = IPv4Address | IPv6Address


class LookUps:
    """Asks a resolver until a moment of the loop's clock; what is not answered by then is unavailable.

    Raises NotFound and TemporarilyUnavailable, as the standards' modules expect. To be closed.
    """

    def __init__(self, resolver: Resolver, *, until: float) -> None:
        self._resolver = resolver
        self._until = until
        self._asked: dict[Hashable, asyncio.Future[Any]] = {}

    async def txt(self, name: str) -> Sequence[bytes]:
        known = self._recall(name, dns.rdatatype.TXT)
        return known if known is not None else await self._once("txt", name, self._resolver.txt)

    async def a(self, name: str) -> Sequence[IPv4Address]:
        known = self._recall(name, dns.rdatatype.A)
        return known if known is not None else await self._once("a", name, self._resolver.ipv4)

    async def aaaa(self, name: str) -> Sequence[IPv6Address]:
        known = self._recall(name, dns.rdatatype.AAAA)
        return known if known is not None else await self._once("aaaa", name, self._resolver.ipv6)

    async def mx(self, name: str) -> list[str]:
        hosts = await self._once("mx", name, self._resolver.mx)
        return [each.host for each in sorted(hosts)]

    async def ptr(self, ip: IpAddress) -> Sequence[str]:
        known = self._recall(ip.reverse_pointer, dns.rdatatype.PTR)
        return known if known is not None else await self._once("ptr", ip, self._resolver.names_of)

    async def exists(self, name: str) -> bool:
        """Whether the name is in DNS at all: only NXDOMAIN says that it is not (RFC 8020)."""
        try:
            if self._resolver.recall(name, dns.rdatatype.A) is None:
                await self._ask("a", name, self._resolver.ipv4)
        except NoSuchDomain:
            return False
        except NoAnswer:
            return True
        except (DnsUnavailable, TimeoutError) as error:
            raise TemporarilyUnavailable(str(error)) from error
        return True

    async def close(self) -> None:
        """Whatever nobody waits for any longer is not waited for."""
        if not self._asked:
            return
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def _recall(self, name: str, kind: dns.rdatatype.RdataType) -> tuple[Any, ...] | None:
        """What DNS has said lately: mail comes from the same domains again and again. None: it is to be asked."""
        try:
            return self._resolver.recall(name, kind)
        except (NoSuchDomain, NoAnswer) as error:
            raise NotFound(str(error)) from error

    async def _once(self, kind: str, name: N, ask: Callable[[N], Awaitable[T]]) -> T:
        try:
            return await self._ask(kind, name, ask)
        except (NoSuchDomain, NoAnswer) as error:
            raise NotFound(str(error)) from error
        except (LookUpFailed, TimeoutError) as error:
            raise TemporarilyUnavailable(str(error)) from error

    async def _ask(self, kind: str, name: N, ask: Callable[[N], Awaitable[T]]) -> T:
        key = (kind, name.lower() if isinstance(name, str) else name)
        task: asyncio.Future[T] | None = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(ask(name))
        # Not asyncio.timeout: whoever asks may have begun in another task (mailhost.net.eagerly).
        await asyncio.wait((task,), timeout=self._until - asyncio.get_running_loop().time())
        if not task.done():
            raise TimeoutError
        return task.result()
