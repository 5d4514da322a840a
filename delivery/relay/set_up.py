"""What a smarthost refuses because of how it is set up here: the operator's matter, for which nobody's mail bounces."""

from typing import Final

from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred, Peer
from mailhost.protocols.smtp.client import ServerReply

NO_MAIL_HERE: Final = 521  # RFC 7504: this host never takes mail, so it is the wrong one
# RFC 4954 section 6: 530 asks for AUTH (RFC 3207 section 4: for STARTTLS), the others do not take it so.
_ABOUT_US: Final = frozenset({NO_MAIL_HERE, 530, 534, 535, 538})
STATUS: Final = "4.3.5"  # RFC 3463 section 3.4: a system that is not set up right


def fault(hop: NextHop | None, reply: ServerReply, *, peer: Peer) -> Deferred | None:
    """For what a smarthost has answered; None where that is about the message, or another host's answer."""
    if hop is None or not hop.is_smarthost or reply.code not in _ABOUT_US:
        return None
    text = (
        f"The smarthost takes no mail from this host as it is set up here (login, encryption, name): {reply}"
    )
    return Deferred(STATUS, text, peer)
