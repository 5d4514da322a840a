"""DNS for mail, in bounded time: MX hosts, addresses, names, texts (RFC 1035, RFC 3596, RFC 5321 section 5.1).

Three facts differ in what they mean for mail: a domain that does not exist, one without such records, and a
look-up that could not be done now. A resolver is given to whoever needs one, so that tests bring their own server.

Whether an answer was validated (DNSSEC) is the name server's word, its AD bit (RFC 6840 section 5.7). It is believed
where nobody can be between us and it.
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver
from django.conf import settings
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.ANY.TXT import TXT

from mailhost.protocols.dane import TlsaRecord

T = TypeVar("T")

# RFC 5321 gives no time; a name server that is asked twice and a second one that is asked once fit in.
LOOK_UP_SECONDS: Final = 10.0
CACHED_ANSWERS: Final = 10_000  # kept by their TTL; mail comes from the same few thousand domains
KEPT_RECORDS: Final = 20  # more, or larger ones, are kept by dnspython alone, which keeps fewer
KEPT_OCTETS: Final = 2_048
KEPT_NEGATIVE_SECONDS: Final = 300
# Docker's name server: it stands on loopback, passes on what others answer, and validates nothing.
FORWARDER: Final = ipaddress.ip_address("127.0.0.11")


class LookUpFailed(Exception):
    """The text is a sentence for people."""


class NoSuchDomain(LookUpFailed):
    """The name does not exist (NXDOMAIN), or cannot exist."""


class NoAnswer(LookUpFailed):
    """The name exists, and has no such records."""


class DnsUnavailable(LookUpFailed):
    """No answer now: a time-out, SERVFAIL, no name server. Later it may be different."""


@dataclass(frozen=True, slots=True, order=True)
class MxHost:
    """One MX record; host is lower case without the final dot, "" for a null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Validation:
    """is_validated: DNSSEC vouches for the answer, CNAMEs included; name: where they led, without the final dot."""

    is_validated: bool
    name: str


class Resolver:
    """Looks names up at one name server, or at the system's.

    is_believed: its AD bit is, wherever it stands; otherwise only where it stands on this machine.
    """

    def __init__(
        self,
        *,
        nameserver: tuple[str, int] | None = None,
        look_up_seconds: float = LOOK_UP_SECONDS,
        is_believed: bool = False,
    ) -> None:
        try:
            self._dns = dns.asyncresolver.Resolver(configure=nameserver is None)
        except dns.resolver.NoResolverConfiguration:  # no /etc/resolv.conf: every look-up says so
            self._dns = dns.asyncresolver.Resolver(configure=False)
        if nameserver is not None:
            self._dns.nameservers = [nameserver[0]]
            self._dns.port = nameserver[1]
        self.validates = bool(self._dns.nameservers) and (
            is_believed or all(map(_is_on_this_machine, self._dns.nameservers))
        )
        if self.validates:
            self._dns.flags = dns.flags.RD | dns.flags.AD
        self._dns.lifetime = look_up_seconds
        self._dns.timeout = look_up_seconds / 3
        self._dns.cache = dns.resolver.LRUCache(CACHED_ANSWERS // 5)
        # What was answered stands here once more: a message that comes in asks half a dozen questions, and dnspython
        # makes a resolution, and we a task, also for an answer of its cache.
        self._known: dict[
            tuple[str, dns.rdatatype.RdataType], tuple[float, tuple[Any, ...] | LookUpFailed]
        ] = {}

    async def mx(self, domain: str) -> list[MxHost]:
        """The domain's MX records, as they came. Raises NoSuchDomain, NoAnswer, DnsUnavailable."""
        answer = await self._ask(domain, dns.rdatatype.MX)
        return [
            MxHost(record.preference, record.exchange.to_text(omit_final_dot=True).lower().removesuffix("."))
            for record in answer
            if isinstance(record, MX)
        ]

    async def addresses(self, host: str) -> list[str]:
        """IPv6 and then IPv4 addresses. One kind that cannot be looked up does not hide the other."""
        kinds = (dns.rdatatype.AAAA, dns.rdatatype.A)
        found = await asyncio.gather(*(self._ask(host, kind) for kind in kinds), return_exceptions=True)
        addresses: list[str] = []
        failures: list[LookUpFailed] = []
        for each in found:
            if isinstance(each, LookUpFailed):
                failures.append(each)
            elif isinstance(each, BaseException):
                raise each
            else:
                addresses += [record.to_text() for record in each]
        if addresses:
            return addresses
        for fact in (DnsUnavailable, NoAnswer, NoSuchDomain):
            for failure in failures:
                if isinstance(failure, fact):
                    raise failure
        raise NoAnswer(f"{host} has no address.")

    async def ipv4(self, host: str) -> Sequence[IPv4Address]:
        """The A records of a host. Raises NoSuchDomain, NoAnswer, DnsUnavailable, as all below do."""
        return await self._kept(host, dns.rdatatype.A, _ipv4)

    async def ipv6(self, host: str) -> Sequence[IPv6Address]:
        """The AAAA records of a host."""
        return await self._kept(host, dns.rdatatype.AAAA, _ipv6)

    async def txt(self, name: str) -> Sequence[bytes]:
        """Every TXT record, the strings of each joined (RFC 7208 section 3.3)."""
        return await self._kept(name, dns.rdatatype.TXT, _texts)

    async def names_of(self, address: IPv4Address | IPv6Address) -> Sequence[str]:
        """The names that the reverse tree gives for an address, without the final dot."""
        return await self._kept(address.reverse_pointer, dns.rdatatype.PTR, _names)

    async def tlsa(self, name: str) -> Sequence[TlsaRecord]:
        """The TLSA records, none where DNSSEC does not vouch for them. Raises DnsUnavailable (bogus ones too)."""
        try:
            answer = await self._ask(name, dns.rdatatype.TLSA)
        except (NoSuchDomain, NoAnswer):
            return ()
        if not self._is_validated(answer):
            return ()
        return tuple(
            TlsaRecord(record.usage, record.selector, record.mtype, record.cert)
            for record in answer
            if isinstance(record, TLSA)
        )

    async def validation(self, name: str, kind: str) -> Validation:
        """Of the records of this kind ("MX", "A", "AAAA", "CNAME"). Raises NoSuchDomain, NoAnswer, DnsUnavailable."""
        answer = await self._ask(name, dns.rdatatype.from_text(kind))
        canonical = answer.canonical_name.to_text(omit_final_dot=True).lower()
        return Validation(self._is_validated(answer), canonical)

    def _is_validated(self, answer: dns.resolver.Answer) -> bool:
        return self.validates and bool(answer.response.flags & dns.flags.AD)

    def recall(self, name: str, kind: dns.rdatatype.RdataType) -> tuple[Any, ...] | None:
        """What ipv4, ipv6, txt and names_of have said of it lately; None where they would ask.

        Raises NoSuchDomain, NoAnswer, as they do.
        """
        known = self._known.get((name.lower(), kind))
        if known is None or known[0] <= time.time():
            return None
        if isinstance(known[1], LookUpFailed):
            raise type(known[1])(str(known[1]))
        return known[1]

    async def _kept(
        self,
        name: str,
        kind: dns.rdatatype.RdataType,
        read: Callable[[dns.resolver.Answer], tuple[T, ...]],
    ) -> tuple[T, ...]:
        known = self.recall(name, kind)
        if known is not None:
            return known
        key = (name.lower(), kind)
        try:
            answer = await self._ask(name, kind)
        except (NoSuchDomain, NoAnswer) as fact:
            self._keep(key, time.time() + min(_negative_ttl(fact), KEPT_NEGATIVE_SECONDS), fact)
            raise
        records = read(answer)
        if len(records) <= KEPT_RECORDS and sum(map(_weight, records)) <= KEPT_OCTETS:
            self._keep(key, answer.expiration, records)
        return records

    def _keep(
        self,
        key: tuple[str, dns.rdatatype.RdataType],
        until: float,
        found: tuple[Any, ...] | LookUpFailed,
    ) -> None:
        self._known[key] = until, found
        if len(self._known) > CACHED_ANSWERS:
            del self._known[next(iter(self._known))]

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer:
        try:
            absolute = _absolute(name)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise NoSuchDomain(f"{name} is no name that DNS can hold.") from error
        try:
            return await self._dns.resolve(absolute, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN) as error:
            raise NoSuchDomain(f"There is no domain {name}.") from error
        except dns.resolver.NoAnswer as error:
            raise NoAnswer(f"{name} has no {kind.name} record.") from error
        except (dns.exception.DNSException, OSError) as error:
            raise DnsUnavailable(f"DNS could not be asked for {name}: {_in_words(error)}.") from error


def _in_words(error: Exception) -> str:
    """Senders read it in notices."""
    match error:
        case dns.resolver.LifetimeTimeout():
            return "no answer came in time"
        case dns.resolver.NoNameservers():
            return "its name servers fail, or DNSSEC does"
    return type(error).__name__


def _is_on_this_machine(nameserver: object) -> bool:
    try:
        address = ipaddress.ip_address(str(nameserver))
    except ValueError:
        return False
    return address.is_loopback and address != FORWARDER


def _ipv4(answer: dns.resolver.Answer) -> tuple[IPv4Address, ...]:
    return tuple(IPv4Address(record.to_text()) for record in answer)


def _ipv6(answer: dns.resolver.Answer) -> tuple[IPv6Address, ...]:
    return tuple(IPv6Address(record.to_text()) for record in answer)


def _texts(answer: dns.resolver.Answer) -> tuple[bytes, ...]:
    return tuple(b"".join(record.strings) for record in answer if isinstance(record, TXT))


def _names(answer: dns.resolver.Answer) -> tuple[str, ...]:
    return tuple(record.to_text().removesuffix(".").lower() for record in answer)


def _negative_ttl(fact: LookUpFailed) -> int:
    """How long there is no such thing, by the zone's SOA record (RFC 2308 section 5); without one it is not kept."""
    cause = fact.__cause__
    responses = (
        cause.kwargs["responses"].values()
        if isinstance(cause, dns.resolver.NXDOMAIN)
        else [_response_of(cause)]
    )
    records = [rrset for response in responses if response for rrset in response.authority]
    ttls = [min(rrset.ttl, rrset[0].minimum) for rrset in records if rrset.rdtype == dns.rdatatype.SOA]
    return min(ttls, default=0)


def _response_of(cause: BaseException | None) -> dns.message.Message | None:
    if not isinstance(cause, dns.resolver.NoAnswer):
        return None
    response: dns.message.Message | None = cause.kwargs.get("response")
    return response


def _weight(record: object) -> int:
    return len(record) if isinstance(record, bytes | str) else 1


def _absolute(name: str) -> dns.name.Name:
    """ASCII label by label, in which a backslash is an octet as any other: names come out of other people's records."""
    if not name.isascii() or not name.strip("."):
        return dns.name.from_text(name)
    return dns.name.Name([*name.removesuffix(".").encode().split(b"."), b""])


def parse_nameserver(text: str) -> tuple[str, int] | None:
    """`ADDRESS:PORT`, `[IPV6]:PORT` or `ADDRESS` (port 53); None for "". Raises ValueError."""
    if not text:
        return None
    address, colon, port = text.rpartition(":")
    if not colon or (text.count(":") > 1 and not address.endswith("]")):
        address, port = text, "53"
    address = address.removeprefix("[").removesuffix("]")
    return str(ipaddress.ip_address(address)), int(port)


def configured_resolver() -> Resolver:
    """The one that MAILHOST_RESOLVER names, or the system's."""
    return Resolver(nameserver=parse_nameserver(settings.RESOLVER), is_believed=settings.RESOLVER_IS_BELIEVED)
