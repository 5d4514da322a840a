"""When and how connections to other hosts use TLS (RFC 3207, RFC 7435).

Opportunistic: TLS where it is offered, without a look at the certificate, since most MX hosts' match nothing that
can be checked, and in clear where TLS fails. DANE and MTA-STS will make it stricter for the domains that ask for it.
"""

import ssl
from enum import Enum
from functools import cache


class TlsPolicy(Enum):
    """What one connection does about TLS."""

    OPPORTUNISTIC = "opportunistic"
    CLEAR = "clear"  # after a failed handshake with the same host


@cache
def opportunistic_context() -> ssl.SSLContext:
    """TLS 1.2 or later with any certificate: it keeps listeners out, and claims nothing more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
