"""check_host(): from an address, a domain and its record to a result (RFC 7208 sections 2, 4, 5 and 6)."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from mailhost.protocols.dns_facts import TemporarilyUnavailable
from mailhost.protocols.dns_names import can_be_looked_up
from mailhost.protocols.spf.look_ups import LimitExceeded, LookUps
from mailhost.protocols.spf.macros import (
    MacroString,
    MacroSyntaxError,
    expand,
    expand_name,
    parse_macro_string,
    uses,
)
from mailhost.protocols.spf.record import RecordSyntaxError, parse_record, spf_records
from mailhost.protocols.spf.resolver import IpAddress, SpfResolver
from mailhost.protocols.spf.results import Result, SpfResult, shown
from mailhost.protocols.spf.terms import A, All, Exists, Include, Ip, Mechanism, Mx, Ptr

# It goes into an SMTP reply, whose lines end at 512 octets (RFC 5321 section 4.5.3.1.5).
MAX_EXPLANATION_OCTETS: Final = 400

_REASONS: Final = {
    Result.PASS: "{domain} lets {ip} send its mail.",
    Result.FAIL: "{domain} does not let {ip} send its mail.",
    Result.SOFTFAIL: "{domain} says that {ip} is probably not to send its mail.",
    Result.NEUTRAL: "{domain} does not say whether {ip} may send its mail.",
    Result.NONE: "{domain} does not say who may send its mail.",
}


class _PermanentError(Exception):
    """permerror; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """domain and explanation: of the record that decided, which a redirect leads to."""

    result: Result
    domain: str
    mechanism: str = ""
    explanation: MacroString | None = None


def mail_from_identity(reverse_path: str, *, helo: str) -> tuple[str, str]:
    """(domain, sender) of the MAIL FROM identity; for "", the null reverse-path, of postmaster at HELO's name
    (RFC 7208 section 2.4)."""
    sender = reverse_path or f"postmaster@{helo}"
    return sender.rpartition("@")[2], sender


async def check_host(
    *,
    ip: IpAddress,
    domain: str,
    sender: str,
    helo: str,
    resolver: SpfResolver,
    receiver: str,
    now: datetime,
) -> SpfResult:
    """Whether the domain lets this address send its mail (RFC 7208 section 4). Never raises for what DNS says.

    domain: an A-label. sender: the address whose domain it is. receiver: this host's name, and now: for macros.
    At most 10 terms ask DNS, with 11 look-ups each; how long they may take all together, 20 seconds or
    more (section 4.6.4), is the caller's to hold: what runs out is temperror.
    """
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # RFC 7208 section 5: still an IPv4 address
    domain = domain.removesuffix(".")
    check = _Check(ip=ip, sender=sender, helo=helo, resolver=resolver, receiver=receiver, now=now)
    about = {"domain": shown(domain) or "The domain", "ip": str(ip)}
    if not can_be_looked_up(domain) or "." not in domain or domain.startswith("["):
        reason = "{domain} is no domain that could have an SPF record.".format_map(about)
        return SpfResult(Result.NONE, domain, reason)
    try:
        outcome = await check.domain(domain)
    except TemporarilyUnavailable:
        reason = "DNS did not answer what the SPF record of {domain} asks.".format_map(about)
        return SpfResult(Result.TEMPERROR, domain, reason)
    except _PermanentError as error:
        return SpfResult(Result.PERMERROR, domain, str(error))
    except LimitExceeded as error:
        reason = f"The SPF record of {about['domain']} cannot be used: {shown(str(error))}."
        return SpfResult(Result.PERMERROR, domain, reason)
    return SpfResult(
        outcome.result,
        domain,
        _REASONS[outcome.result].format_map(about),
        outcome.mechanism,
        await check.explain(outcome),
    )


class _Check:
    """One check, with what its macros stand for."""

    def __init__(
        self,
        *,
        ip: IpAddress,
        sender: str,
        helo: str,
        resolver: SpfResolver,
        receiver: str,
        now: datetime,
    ) -> None:
        local_part, _, sender_domain = sender.rpartition("@")
        local_part = local_part or "postmaster"  # RFC 7208 section 4.3
        self._ip = ip
        self._look_ups = LookUps(resolver)
        self._values = {
            "s": f"{local_part}@{sender_domain}",
            "l": local_part,
            "o": sender_domain,
            "i": str(ip) if isinstance(ip, IPv4Address) else ".".join(ip.exploded.replace(":", "").upper()),
            "v": "in-addr" if isinstance(ip, IPv4Address) else "ip6",
            "h": helo,
            "c": str(ip),
            "r": receiver,
            "t": str(int(now.timestamp())),
        }

    async def domain(self, domain: str) -> _Outcome:
        """check_host() of the RFC, for the domain itself and for those that its record names."""
        records = spf_records(await self._look_ups.txt(domain))
        if not records:
            return _Outcome(Result.NONE, domain)
        if len(records) > 1:
            raise _PermanentError(f"{shown(domain)} has more than one SPF record.")
        try:
            record = parse_record(records[0])
        except RecordSyntaxError as error:
            raise _PermanentError(f"The SPF record of {shown(domain)} cannot be used: {error}.") from error
        for directive in record.directives:
            if await self._matches(directive.mechanism, domain):
                return _Outcome(directive.result, domain, shown(directive.text), record.explanation)
        if record.redirect is not None:
            return await self._redirect(record.redirect, domain)
        return _Outcome(Result.NEUTRAL, domain)

    async def _redirect(self, target: MacroString, domain: str) -> _Outcome:
        """RFC 7208 section 6.1."""
        self._look_ups.count_term()
        name = await self._name(target, domain)
        outcome = await self.domain(name)
        if outcome.result is Result.NONE:
            raise _PermanentError(f"{shown(domain)} leaves its SPF record to {shown(name)}, which has none.")
        return outcome

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        match mechanism:
            case All():
                return True
            case Ip(network):
                return self._ip.version == network.version and self._ip in network
        self._look_ups.count_term()
        match mechanism:
            case Include(target):
                return await self._included_passes(await self._name(target, domain), domain)
            case A(target):
                return await self._has_address(await self._name(target, domain), mechanism)
            case Mx(target):
                hosts = await self._look_ups.mx_hosts(await self._name(target, domain))
                for host in hosts:
                    if host and await self._has_address(host, mechanism):
                        return True
                return False
            case Ptr(target):
                within = await self._name(target, domain)
                return bool(await self._look_ups.validated_names(self._ip, within=within))
            case Exists(target):
                return await self._look_ups.exists(await self._name(target, domain))

    async def _included_passes(self, name: str, domain: str) -> bool:
        """RFC 7208 section 5.2: fail, softfail and neutral do not match."""
        outcome = await self.domain(name)
        if outcome.result is Result.NONE:
            raise _PermanentError(
                f"{shown(domain)} includes the SPF record of {shown(name)}, which has none."
            )
        return outcome.result is Result.PASS

    async def _has_address(self, name: str, mechanism: A | Mx) -> bool:
        prefix = mechanism.ip4_prefix if self._ip.version == 4 else mechanism.ip6_prefix
        kind = IPv4Network if self._ip.version == 4 else IPv6Network
        network = kind((int(self._ip), prefix), strict=False)
        return any(each in network for each in await self._look_ups.addresses(name, like=self._ip))

    async def _name(self, target: MacroString | None, domain: str) -> str:
        if target is None:
            return domain
        return expand_name(target, await self._values_for(target, domain))

    async def _values_for(self, pieces: MacroString, domain: str) -> dict[str, str]:
        values = {**self._values, "d": domain}
        if uses(pieces, "p"):
            values["p"] = await self._validated_name(domain)
        return values

    async def _validated_name(self, domain: str) -> str:
        """%{p} (RFC 7208 section 7.3): the domain, rather than a name below it, rather than any other."""
        names = await self._look_ups.validated_names(self._ip, within=domain)
        if domain.lower() in names:
            return domain
        names = names or await self._look_ups.validated_names(self._ip)
        return names[0] if names else "unknown"

    async def explain(self, outcome: _Outcome) -> str:
        """What exp= leads to, for a fail alone; whatever is wrong with it, it is as if there were none
        (RFC 7208 section 6.2)."""
        if outcome.result is not Result.FAIL or outcome.explanation is None:
            return ""
        try:
            records = await self._look_ups.txt(await self._name(outcome.explanation, outcome.domain))
            if len(records) != 1:
                return ""
            pieces = parse_macro_string(records[0].decode("ascii"), with_spaces=True)
            values = await self._values_for(pieces, outcome.domain)
        except (TemporarilyUnavailable, MacroSyntaxError, UnicodeDecodeError):
            return ""
        return shown(expand(pieces, values, longest=MAX_EXPLANATION_OCTETS), longest=MAX_EXPLANATION_OCTETS)
