"""Messages with a time to be delivered in: to which servers they may go, and what these are asked to tell of (RFC 2852
section 4.1.4)."""

from typing import Final

from delivery.relay.outcome import Bounced, Peer
from mailhost.protocols.smtp.client import Extensions
from mailhost.protocols.smtp.deliver_by import least_seconds

TIME_OVER: Final = "5.4.7"  # RFC 3463 section 3.5
NOT_OFFERED: Final = "5.3.3"  # section 3.4: the destination does not support what the message asks for


def refusal(*, seconds: int | None, mode: str, extensions: Extensions, peer: Peer) -> Bounced | None:
    """Why a message in mode R may not go to this server; None where it may, and in mode N always.

    Other MX hosts are not tried for it (section 7).
    """
    if seconds is None or not mode.startswith("R"):
        return None
    if seconds >= 1 and "DELIVERBY" not in extensions:
        text = "The message is to be returned when its time is over, which the server does not promise (DELIVERBY)."
        return Bounced(NOT_OFFERED, text, peer)
    if seconds < max(1, least_seconds(extensions.offered.get("DELIVERBY", ""))):
        text = (
            "The time within which the message was to be delivered is over, or too short for the next server."
        )
        return Bounced(TIME_OVER, text, peer)
    return None


def notify(asked: str, *, seconds: int | None, mode: str, extensions: Extensions) -> str:
    """NOTIFY for a recipient: in mode N a server without DELIVERBY is asked to tell of delays as well, where nobody has
    asked for silence and the time is not over (section 4.1.4.2, in spite of RFC 3461 section 5.2.1 (c))."""
    if seconds is None or seconds < 0 or not mode.startswith("N") or "DELIVERBY" in extensions:
        return asked
    words = asked.upper().split(",") if asked else ["FAILURE"]
    return asked if {"NEVER", "DELAY"} & set(words) else ",".join((*words, "DELAY"))
