"""DNS for one message: each question is asked once, and all answers have to come within one time (RFC 7208 4.6.4)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

from mailhost.net.resolver import DnsUnavailable, LookUpFailed, NoAnswer, NoSuchDomain, Resolver
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable

T = TypeVar("T")
IpAddress = IPv4Address | IPv6Address


class LookUps:
    """Asks a resolver until a moment of the loop's clock; what is not answered by then is unavailable.

    Raises NotFound and TemporarilyUnavailable, as the standards' modules expect. To be closed.
    """

    def __init__(self, resolver: Resolver, *, until: float) -> None:
        self._resolver = resolver
        self._until = until
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}

    async def txt(self, name: str) -> list[bytes]:
        return await self._once(("txt", name.lower()), lambda: self._resolver.txt(name))

    async def a(self, name: str) -> list[IPv4Address]:
        return await self._once(("a", name.lower()), lambda: self._resolver.ipv4(name))

    async def aaaa(self, name: str) -> list[IPv6Address]:
        return await self._once(("aaaa", name.lower()), lambda: self._resolver.ipv6(name))

    async def mx(self, name: str) -> list[str]:
        hosts = await self._once(("mx", name.lower()), lambda: self._resolver.mx(name))
        return [each.host for each in sorted(hosts)]

    async def ptr(self, ip: IpAddress) -> Sequence[str]:
        return await self._once(("ptr", ip), lambda: self._resolver.names_of(ip))

    async def exists(self, name: str) -> bool:
        """Whether the name is in DNS at all: only NXDOMAIN says that it is not (RFC 8020)."""
        try:
            await self._task(("a", name.lower()), lambda: self._resolver.ipv4(name))
        except NoSuchDomain:
            return False
        except NoAnswer:
            return True
        except (DnsUnavailable, TimeoutError) as error:
            raise TemporarilyUnavailable(str(error)) from error
        return True

    async def close(self) -> None:
        """Whatever nobody waits for any longer is not waited for."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _once(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._task(key, ask)
        except (NoSuchDomain, NoAnswer) as error:
            raise NotFound(str(error)) from error
        except (LookUpFailed, TimeoutError) as error:
            raise TemporarilyUnavailable(str(error)) from error

    async def _task(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        task: asyncio.Task[T] | None = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(ask())
        async with asyncio.timeout_at(self._until):
            return await asyncio.shield(task)
