"""What the policies of a next hop ask of TLS: decided before anybody connects (RFC 7672, RFC 8461, RFC 7435).

Opportunistic: TLS where it is offered, without a look at the certificate, since most MX hosts' match nothing that can
be checked, and in clear where TLS fails. DANE and MTA-STS make it stricter for the domains that ask for it.
"""

from dataclasses import dataclass, replace
from typing import Literal

from delivery.relay.demands import Demand, InClear, Named
from mailhost.protocols.dane import TlsaRecord
from mailhost.protocols.mta_sts import Mode, StsPolicy


@dataclass(frozen=True, slots=True)
class Opportunistic:
    """No policy: as it comes."""


@dataclass(frozen=True, slots=True)
class Dane:
    """records: those that are usable; where there is none, TLS is asked for, and no certificate (RFC 7672 section 2.2).

    names: what the server may be called, its TLSA base domain first, which it is told (RFC 7672 sections 3.2.2, 8.1).
    published: all that stands in DNS, as reports tell it.
    """

    records: tuple[TlsaRecord, ...]
    names: tuple[str, ...]
    published: tuple[TlsaRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Sts:
    """The host is one that the policy names, unless is_named is False, which testing mode lets pass."""

    policy: StsPolicy
    is_named: bool = True

    @property
    def is_enforced(self) -> bool:
        """RFC 8461 section 5: in testing mode failures are told, and mail goes."""
        return self.policy.mode is Mode.ENFORCE


@dataclass(frozen=True, slots=True)
class Unknown:
    """DNS could not say now whether there is a DANE policy: such a host is left alone (RFC 7672 section 2.1.2)."""

    reason: str


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What one MX host's TLS must be, for mail to this domain.

    trusts_name: nobody but the domain's owner can have named the host (RFC 8689 section 4.2.1, step 2). is_waived: what
    is sent ignores it, so it is followed where that works (RFC 8689 section 4.2.2).
    """

    domain: str = ""
    demand: Opportunistic | Dane | Sts | Unknown | Named | InClear = Opportunistic()
    trusts_name: bool = False
    is_waived: bool = False

    def under(self, demand: Demand | None) -> "TlsPolicy":
        """As a route asks, in place of the domain's policy; one that verifies the server asks no less than Named, and
        stays (RFC 7672 section 6).
        """
        if demand is None or (isinstance(demand, Named) and self._verifies):
            return self
        return replace(self, demand=demand)

    @property
    def _verifies(self) -> bool:
        match self.demand:
            case Dane(records=records):
                return bool(records)
            case Sts() as sts:
                return sts.is_enforced
        return isinstance(self.demand, Unknown)

    @property
    def forbids_clear(self) -> bool:
        """A session that is not as demanded is none: nothing goes in clear, nor to whom cannot be verified."""
        is_strict = isinstance(self.demand, Sts) and self.demand.is_enforced
        return not self.is_waived and (is_strict or isinstance(self.demand, Dane | Unknown | Named))

    @property
    def kind(self) -> Literal["tlsa", "sts", "no-policy-found"]:
        """As TLS reports name it (RFC 8460 section 4.4)."""
        match self.demand:
            case Dane() | Unknown():
                return "tlsa"
            case Sts():
                return "sts"
            case Opportunistic() | Named() | InClear():
                return "no-policy-found"

    @property
    def in_words(self) -> str:
        """Who asks for it: the subject of a sentence."""
        if isinstance(self.demand, Dane | Unknown):
            return f"the DNS of {self.domain} (DANE)"
        if isinstance(self.demand, Named):
            return f"the route {self.demand.route}"
        return f"the MTA-STS policy of {self.domain}"

    @property
    def is_implicit(self) -> bool:
        """TLS from the first octet."""
        return isinstance(self.demand, Named) and self.demand.is_implicit

    @property
    def strings(self) -> tuple[str, ...]:
        """The policy as TLS reports quote it."""
        match self.demand:
            case Dane() as dane:
                return tuple(map(str, dane.published or dane.records))
            case Sts(policy=policy):
                return policy.lines
            case Opportunistic() | Unknown() | Named() | InClear():
                return ()

    @property
    def tlsa_base(self) -> str:
        """Under which name TLSA records were found (RFC 7672 section 2.2.3)."""
        return self.demand.names[0] if isinstance(self.demand, Dane) else ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The MX hosts that an MTA-STS policy names."""
        return self.demand.policy.patterns if isinstance(self.demand, Sts) else ()


OPPORTUNISTIC = TlsPolicy()
