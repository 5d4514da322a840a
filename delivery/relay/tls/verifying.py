"""Whether a TLS session is as its next hop's policy asks, and what is told of it (RFC 7672 section 3, RFC 8461
section 4.2, RFC 8460 section 4.3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.x509.verification import Store
from django.utils import timezone

from delivery.certificate_verdicts import FAILED, NOT_CHECKED, VERIFIED, is_verified
from delivery.relay.demands import InClear, Named
from delivery.relay.next_hops import NextHop
from delivery.relay.tls.policy import OPPORTUNISTIC, Dane, Opportunistic, Sts, TlsPolicy, Unknown
from delivery.relay.tls.sessions import TlsSession
from delivery.relay.tls.trust import system_trust
from mailhost.net.peer_chain import ONLY_ITS_OWN, tells_all
from mailhost.protocols.certificates import CertificateRefused, address_in, require_web_pki
from mailhost.protocols.dane import Usage, verify


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a certificate was found to be; `words` is kept with the attempt. refusal: it is not as was demanded."""

    words: str
    refusal: CertificateRefused | None = None

    @property
    def is_verified(self) -> bool:
        """The server is who it is meant to be."""
        return is_verified(self.words)


@dataclass(frozen=True)
class Securing:
    """The TLS of one next hop's connections: its policy, and whoever is told of each session."""

    policy: TlsPolicy = OPPORTUNISTIC
    note: Callable[[TlsSession], None] = lambda session: None
    clock: Callable[[], datetime] = timezone.now
    trust: Callable[[], Store | None] = field(default=system_trust)

    def server_name(self, hop: NextHop) -> str:
        """What the server is told that it is meant to be (SNI): no address is (RFC 6066 section 3)."""
        demand = self.policy.demand
        return demand.names[0] if isinstance(demand, Dane) else str(address_in(hop.host) or hop.host)

    def judge(self, hop: NextHop, chain: Sequence[bytes]) -> Verdict:
        """The certificates that the server showed (DER, its own first) against the policy."""
        try:
            match self.policy.demand:
                case Opportunistic() | Unknown() | InClear() | Dane(records=()):
                    return Verdict(NOT_CHECKED)
                case Dane(records=records, names=names):
                    usage = verify(chain, records, names=names, now=self.clock())
                    return Verdict(f"dane-{'ee' if usage is Usage.DANE_EE else 'ta'} {VERIFIED}")
                case Named():
                    self.require_web_pki(hop, chain)
                    return Verdict(f"route {VERIFIED}")
                case Sts():
                    self.require_web_pki(hop, chain)
                    return Verdict(f"mta-sts {VERIFIED}")
        except CertificateRefused as refusal:
            if not tells_all():
                refusal = CertificateRefused(refusal.result, f"{refusal} {ONLY_ITS_OWN}")
            return Verdict(f"{FAILED}{str(refusal).rstrip('.')}", refusal)

    def require_web_pki(self, hop: NextHop, chain: Sequence[bytes]) -> None:
        """Raises CertificateRefused where no authority that is trusted here vouches for the host's name."""
        trust = self.trust()
        if trust is None:
            text = "There are no authorities on this host that are trusted."
            raise CertificateRefused("certificate-not-trusted", text)
        require_web_pki(chain, name=hop.host, trust=trust, now=self.clock())

    def tell(
        self, hop: NextHop, *, sending_ip: str | None = None, result: str = "", detail: str = ""
    ) -> None:
        """One session, or the lack of it."""
        policy = self.policy
        if not result and isinstance(policy.demand, Sts) and not policy.demand.is_named:
            # In testing mode: an enforced policy would have kept mail from this host.
            result, detail = "validation-failure", f"{hop.host} is not among the policy's MX hosts."
        if not result and isinstance(policy.demand, Dane) and not policy.demand.records:
            result, detail = "tlsa-invalid", f"None of the TLSA records of {policy.tlsa_base} is usable."
        self.note(
            TlsSession(
                policy_domain=policy.domain,
                policy_type=policy.kind,
                policy_strings=policy.strings,
                mx_host=hop.host,
                mx_patterns=policy.patterns,
                receiving_ip=hop.address,
                sending_ip=sending_ip,
                result=result,
                detail=detail,
                tlsa_base=policy.tlsa_base,
            )
        )
