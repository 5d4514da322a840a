"""What became of one TLS session with an MX host, as TLS reports count it (RFC 8460)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TlsSession:
    """policy_type, policy_strings, mx_patterns: the policy applied, as RFC 8460 section 4.4 writes it; policy_domain is
    the one that mail was for, and tlsa_base the one whose policy DANE is (section 1.1).

    result: "" when it succeeded, else a result type of RFC 8460 section 4.3. detail: a sentence of ours.
    """

    policy_domain: str
    policy_type: Literal["tlsa", "sts", "no-policy-found"]
    policy_strings: tuple[str, ...]
    mx_host: str
    mx_patterns: tuple[str, ...]
    receiving_ip: str | None
    sending_ip: str | None
    result: str
    detail: str
    tlsa_base: str = ""
