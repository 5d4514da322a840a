"""REQUIRETLS when mail is relayed: which connections such a message may go over (RFC 8689 sections 4.2.1, 5)."""

from dataclasses import replace
from typing import Final

from delivery.certificate_verdicts import is_verified
from delivery.relay.connection import RelayConnection
from delivery.relay.outcome import Bounced
from delivery.relay.parcel import OutgoingMessage
from mailhost.protocols.certificates import CertificateRefused

NO_VERIFIED_TLS: Final = "5.7.10"  # RFC 8689 section 4.2.1: no TLS session to who it is meant for
NOT_SUPPORTED: Final = "5.7.30"  # the server does not promise to go on likewise

WEB_PKI: Final = "pkix verified"


def refusal(connection: RelayConnection) -> Bounced | None:
    """None where the server is the right one for certain, and promises REQUIRETLS; otherwise why not."""
    why = _why_not_verified(connection)
    if why:
        text = f"The message may only travel under verified TLS (REQUIRETLS). {why}"
        return Bounced(NO_VERIFIED_TLS, text, connection.peer)
    if "REQUIRETLS" not in connection.extensions:
        text = f"The message asks for TLS on all its way (REQUIRETLS), which {connection.peer.host} does not offer."
        return Bounced(NOT_SUPPORTED, text, connection.peer)
    return None


def must_travel_so(message: OutgoingMessage) -> bool:
    """Or not at all. A notice (the null reverse-path) is rather sent without than lost (section 5)."""
    return message.requires_tls and message.reverse_path != ""


def is_asked_for(message: OutgoingMessage, connection: RelayConnection) -> bool:
    """Of the next server, in MAIL."""
    return must_travel_so(message) or (message.requires_tls and refusal(connection) is None)


def _why_not_verified(connection: RelayConnection) -> str:
    """A sentence; "" for a connection under TLS to a host whose name and certificate can be relied on.

    Steps 2 and 4 of section 4.2.1: the name by DNSSEC, by MTA-STS or as the domain's own; the certificate by DANE or
    by an authority that is trusted here. That is looked at only now, as hardly any message asks.
    """
    peer, hop, securing = connection.peer, connection.hop, connection.securing
    if not peer.tls or hop is None or securing is None:
        return f"The connection to {peer.host} is not encrypted."
    if not securing.policy.trusts_name:
        return f"Nobody vouches for {peer.host} being the right mail server (DNSSEC, MTA-STS)."
    if is_verified(peer.certificate):
        return ""
    try:
        securing.require_web_pki(hop, connection.wire.shown_chain())
    except CertificateRefused as refused:
        return str(refused)
    connection.peer = replace(peer, certificate=WEB_PKI)
    return ""
