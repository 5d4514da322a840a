"""A DNS server in this process, on 127.0.0.x: tests say what it knows, and whether it answers at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from mailhost.net.resolver import Resolver

Server = TypeVar("Server", bound="DnsServer")


@dataclass
class DnsServer:
    """What it knows: `say("far.test", "MX", "10 mx.far.test.")`. Any other name is NXDOMAIN."""

    records: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # names answered with SERVFAIL
    silent: set[str] = field(default_factory=set)  # names not answered at all
    signed: set[str] = field(default_factory=set)  # names that DNSSEC vouches for
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    ttl: int = 60

    def say(self, name: str, kind: str, *values: str) -> None:
        """Sets the records of this kind; without values the name exists and has none."""
        self.records.setdefault(name.lower(), {})[kind] = list(values)

    def resolver(self, *, look_up_seconds: float = 10.0) -> Resolver:
        """A resolver that asks here; patient, as machines may be busy, for who is not to ask for silent names."""
        return Resolver(nameserver=("127.0.0.1", self.port), look_up_seconds=look_up_seconds)

    def answer(self, octets: bytes) -> bytes | None:
        """The response in wire form, or None for silence."""
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return None
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if name in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, name, kind)
            if not response.answer:
                soa = f". . 1 1 1 1 {self.ttl}"
                response.authority.append(dns.rrset.from_text(".", self.ttl, "IN", "SOA", soa))
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        response.flags |= dns.flags.AD
        for _ in range(8):  # CNAMEs are followed, as a recursive server does
            known = self.records.get(name)
            if name not in self.signed:
                response.flags &= ~dns.flags.AD
            if known is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                return
            found = kind if kind in known else "CNAME"
            if known.get(found):
                response.answer.append(dns.rrset.from_text(f"{name}.", self.ttl, "IN", found, *known[found]))
            if found == kind or not known.get("CNAME"):
                return
            name = known["CNAME"][0].rstrip(".").lower()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self.server.answer(data)
        if response is not None:
            self.transport.sendto(response, addr)


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    """A server on a free port of 127.0.0.1 (UDP), for as long as the block runs."""
    async with serve(DnsServer()) as server:
        yield server


@asynccontextmanager
async def serve(server: Server, *, port: int = 0) -> AsyncIterator[Server]:
    """This one, on 127.0.0.1 (UDP); port 0 takes a free one."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(server), local_addr=("127.0.0.1", port)
    )
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()
