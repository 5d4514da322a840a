"""What rows of the trace say, in words for people. Whom a row is about stands beside it; these end no sentence."""

from typing import Final

from delivery.certificate_verdicts import FAILED, is_verified
from delivery.models import LED_ON
from delivery.models.trace import Event
from delivery.trace.searching import Found
from mailhost.protocols.bounce_causes import Cause

STATES: Final = {
    "accepted": "delivered here",
    "junk": "put into Junk",
    "quarantined": "held in quarantine",
    "relayed": "taken, for another host",
    "queued": "in the queue",
    "waiting": "waits for its time to leave",
    "held": "held for an operator",
    "deferred": "put off",
    "delivered": "taken by the other host",
    "bounced": "refused by the other host",
    "expired": "given up",
    "refused": "refused here",
    "cancelled": "cancelled",
    "released": "let go",
    "retried": "hurried",
    "redirected": "given another way",
    "captured": "kept on this host",
    "reported": "its sender was told",
    "untold": "nobody could be told",
    "returned": "came back",
    "complained": "complained about",
    "hearsay": "said to have come back",
}
"""All states, as a search offers them."""

_INBOUND: Final = {
    "accepted": "delivered here",
    "junk": "delivered here, into Junk",
    "quarantined": "held in quarantine",
    "relayed": "taken, to be sent on",
    "waiting": "taken, to leave later",
    "deferred": "not taken: the client was asked to come again",
    "refused": "refused",
}
_QUEUE: Final = {
    "queued": "in the queue, on its way",
    "waiting": "waits for its time to leave",
    "held": "held for an operator to look at",
    "deferred": "waits for the next try",
}
# Of a next hop that keeps all waiting that is for it; {} is its domain.
_KEEPS_WAITING: Final = {
    Cause.NO_CONNECTION: "waits: the host for {} does not answer",
    Cause.DNS: "waits: no host is found for {}",
    Cause.TLS: "waits: with the host for {} no encryption came about as it must be",
    Cause.RATE: "waits: the host for {} takes no more at the moment",
}
_OUTBOUND: Final = {
    Event.EXPIRED: "given up: it was tried for as long as it may be",
    Event.HELD: "held in the queue",
    Event.RELEASED: "let go from the queue",
    Event.HURRIED: "to be tried again at once",
    Event.CANCELLED: "cancelled: it is not sent",
    Event.REDIRECTED: "given another way",
    Event.CAPTURED: "kept on this host, which sends nothing elsewhere",
    Event.REPORTED: "the sender was told",
    Event.UNTOLD: "nobody could be told",
    Event.RETURNED: "came back as undeliverable, after it had been taken",
    Event.COMPLAINED: "the recipient complained about it",
    Event.HEARSAY: "somebody says that it came back or was complained about, which nothing proves",
}
BAD: Final = frozenset({"refused", "bounced", "expired", "untold", "returned", "complained"})
SLOW: Final = frozenset({"deferred", "held", "quarantined", "junk", "hearsay"})


def what_became(row: Found) -> str:
    """Of the recipient, by this row."""
    if row.source == "inbound":
        return _INBOUND[row.state]
    if row.failures:
        otherwise = "waits: nothing can be brought to {} at the moment"
        return _KEEPS_WAITING.get(Cause(row.cause or Cause.OTHER), otherwise).format(row.name or "this host")
    if row.source == "queue":
        return _QUEUE[row.state]
    match row.state:
        case Event.DELIVERED:
            here = "led on to another host" if row.reply == LED_ON else "delivered here"
            return f"taken by {row.name}" if row.peer else here
        case Event.BOUNCED:
            return f"refused by {row.name}" if row.peer else "given up"
        case Event.DEFERRED:
            return f"put off by {row.name}" if row.peer else "put off"
    return _OUTBOUND[Event(row.state)]


def how_secure(row: Found) -> str:
    """Of the connection; "" where there was none, or none over which anything was said of the message."""
    if not row.peer or (row.source == "inbound" and not row.session):
        return ""
    if not row.tls:
        return "" if row.source == "outbound" and row.state == Event.DEFERRED else "not encrypted"
    version = row.tls.partition(" ")[0]
    if is_verified(row.certificate):
        return f"encrypted to a verified server ({version})"
    if row.certificate.startswith(FAILED):
        return f"encrypted to a server that could not be verified ({version})"
    return f"encrypted ({version})"


def tls_in_full(row: Found) -> str:
    """Cipher and certificate, for who looks closer; "" in clear."""
    return f"{row.tls}, certificate: {row.certificate}" if row.certificate else row.tls


def whence(row: Found) -> str:
    """How a message came here, of a row of the inbound trace."""
    if not row.session:
        return "Written or let go here"
    verb = "Submitted" if row.is_ours else "Brought"
    called = f", which calls itself {row.name}" if row.name else ""
    return f"{verb} by {row.peer}{called}"


def tone(row: Found) -> str:
    """ "bad", "slow" or "good", as pages colour it."""
    return "bad" if row.state in BAD else "slow" if row.state in SLOW else "good"
