"""What a delivery test (probe.py) says of the policies that a domain's TLS goes by: DANE, MTA-STS, or none."""

from collections.abc import Iterator

from delivery.probe_steps import State
from delivery.relay.demands import InClear, Named
from delivery.relay.tls.finding import FoundPolicies
from delivery.relay.tls.policy import Dane, Sts, TlsPolicy
from delivery.relay.tls.sessions import TlsSession
from mailhost.protocols.mta_sts import Mode, StsPolicy

NOT_VALIDATED = (
    "DANE is not looked for: this host's DNS server does not validate, or is not on this machine"
    " (MAILHOST_RESOLVER_IS_BELIEVED)."
)


def policies_in_words(
    found: FoundPolicies, told: list[TlsSession], *, validates: bool
) -> Iterator[tuple[State, str]]:
    """Each of them in a sentence or two, and whether it keeps mail from a host. told: what reports would be told."""
    for session in told:
        if session.result.startswith("sts-"):
            yield (
                State.NOTED,
                f"There is no MTA-STS policy, though there is a record of one. {session.detail}",
            )
    for deferral in found.refused.values():
        yield State.FAILED, deferral.reply
    said = [
        _in_words(host, found.securings[host].policy) for host in found.securings if host not in found.refused
    ]
    for text in dict.fromkeys(filter(None, said)):
        yield State.DONE, text
    if not any(said) and not found.refused:
        yield State.DONE, "No policy asks for encryption: it is used where the server offers it."
    if not validates and not _is_the_routes_alone(found):
        yield State.NOTED, NOT_VALIDATED


def _is_the_routes_alone(found: FoundPolicies) -> bool:
    """What the route demands counts whatever DNS says: of TLS with its smarthost, or of none at all."""
    smarthosts = {hop.host for hop in found.hops if hop.is_smarthost}
    return any(
        isinstance(each.policy.demand, InClear)
        or (host in smarthosts and isinstance(each.policy.demand, Named))
        for host, each in found.securings.items()
    )


def _in_words(host: str, policy: TlsPolicy) -> str:
    """ "" where it asks for nothing."""
    match policy.demand:
        case Dane(records=()):
            return f"DANE: {host} must be encrypted to; it may show any certificate, as no TLSA record is usable."
        case Dane(records=records):
            named = "a TLSA record" if len(records) == 1 else f"one of {len(records)} TLSA records"
            return (
                f"DANE: {host} must be encrypted to, and show a certificate that {named} in signed DNS names."
            )
        case Sts(policy=sts):
            return _sts_in_words(policy.domain, sts)
        case Named(route=route):
            return (
                f"The route {route} asks for encryption, and for a certificate that is trusted, for {host}."
            )
        case InClear():
            return "The route asks for no encryption."
    return ""


def _sts_in_words(domain: str, sts: StsPolicy) -> str:
    hosts = ", ".join(sts.patterns[:5]) + (", …" if len(sts.patterns) > 5 else "")
    if sts.mode is Mode.ENFORCE:
        return f"MTA-STS: mail for {domain} goes to {hosts} alone, encrypted, and to certificates that are trusted."
    return f"MTA-STS in testing mode: {hosts} should be encrypted to; failures are reported, and mail goes."
