"""What an attempt came to, for each recipient (RFC 3463 for the status)."""

from dataclasses import dataclass, field

from mailhost.protocols.smtp.client import ServerReply


@dataclass(frozen=True, slots=True)
class Peer:
    """Who was spoken to: its name, address, TLS version and cipher ("" in clear), and what its certificate was found to
    be (relay/tls/verifying.py)."""

    host: str = ""
    address: str = ""
    tls: str = ""
    certificate: str = ""


NOBODY = Peer()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other server has taken responsibility. `keeps_dsn`: it also took RFC 3461's parameters,
    `keeps_deliver_by`: RFC 2852's. `is_here`: it has not left; `is_final`: it is in
    a mailbox here, and nowhere else."""

    reply: str
    peer: Peer = field(default=NOBODY)
    keeps_dsn: bool = False
    keeps_deliver_by: bool = False
    is_final: bool = False
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: `status` is 4.x.x, `reply` the other server's words or a sentence of ours."""

    status: str
    reply: str
    peer: Peer = field(default=NOBODY)


@dataclass(frozen=True, slots=True)
class Bounced:
    """Never: `status` is 5.x.x."""

    status: str
    reply: str
    peer: Peer = field(default=NOBODY)


Outcome = Delivered | Deferred | Bounced


def refused(reply: ServerReply, *, otherwise: str, peer: Peer) -> Deferred | Bounced:
    """The outcome of a reply that is no yes. `otherwise`: subject.detail where the server gave no enhanced code.

    A reply that fits nowhere (2yz or 3yz at the wrong place) is a fault of the conversation, and transient.
    """
    if reply.is_permanent:
        return Bounced(reply.enhanced or f"5.{otherwise}", str(reply), peer)
    if reply.code >= 400:
        return Deferred(reply.enhanced or f"4.{otherwise}", str(reply), peer)
    return Deferred("4.5.0", f"It gave an answer that does not fit: {reply}", peer)
