"""The terms of an SPF record as values (RFC 7208 sections 4.6.1, 5 and 6)."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from mailhost.protocols.spf.macros import MacroString
from mailhost.protocols.spf.results import Result


@dataclass(frozen=True, slots=True)
class All:
    """Matches always."""


@dataclass(frozen=True, slots=True)
class Include:
    """Matches where the other domain's record comes to pass."""

    domain: MacroString


@dataclass(frozen=True, slots=True)
class A:
    """Matches addresses of the name, or of the domain itself where domain is None."""

    domain: MacroString | None
    ip4_prefix: int = 32
    ip6_prefix: int = 128


@dataclass(frozen=True, slots=True)
class Mx:
    """Matches addresses of MX hosts."""

    domain: MacroString | None
    ip4_prefix: int = 32
    ip6_prefix: int = 128


@dataclass(frozen=True, slots=True)
class Ptr:
    """Matches where a validated name of the address is in the domain."""

    domain: MacroString | None


@dataclass(frozen=True, slots=True)
class Ip:
    """ip4 and ip6: matches addresses of the network."""

    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Exists:
    """Matches where the name has an IPv4 address."""

    domain: MacroString


Mechanism = All | Include | A | Mx | Ptr | Ip | Exists


@dataclass(frozen=True, slots=True)
class Directive:
    """What a match means, and what matches. text: as it is published."""

    result: Result
    mechanism: Mechanism
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record without a syntax error."""

    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    explanation: MacroString | None = None
