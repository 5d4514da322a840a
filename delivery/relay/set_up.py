"""What a smarthost refuses because of how it is set up here: the operator's matter, for which nobody's mail bounces."""

import re
from typing import Final

from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred, Peer
from mailhost.protocols.bounce_causes import Cause, said_cause
from mailhost.protocols.smtp.client import ServerReply

NO_MAIL_HERE: Final = 521  # RFC 7504: this host never takes mail, so it is the wrong one
# RFC 4954 section 6: 530 asks for AUTH (RFC 3207 section 4: for STARTTLS), the others do not take it so.
_ABOUT_US: Final = frozenset({NO_MAIL_HERE, 530, 534, 535, 538})
STATUS: Final = "4.3.5"  # RFC 3463 section 3.4: a system that is not set up right
# Exchange, of a login that may not write in this sender's name: a right that is given there.
_SENDER_IS_NOT_OURS: Final = frozenset({"5.7.60"})
# What a host behind it has said, which it repeats, is no matter of the set-up.
_OF_ANOTHER_HOST: Final = re.compile(r"\bsaid:|\bremote (?:server|host)\b|\bundeliverable\b", re.IGNORECASE)


def fault(hop: NextHop | None, reply: ServerReply, *, peer: Peer) -> Deferred | None:
    """For what a smarthost has answered; None where that is about the message, or another host's answer."""
    if hop is None or not hop.is_smarthost or reply.code not in _ABOUT_US:
        return None
    text = (
        f"The smarthost takes no mail from this host as it is set up here (login, encryption, name): {reply}"
    )
    return Deferred(STATUS, text, peer)


def denial(
    hop: NextHop | None, reply: ServerReply, *, peer: Peer, is_about_relaying: bool = False
) -> Deferred | None:
    """For what a smarthost has answered that takes mail from this host, but not this message: because it may not come
    from this sender, or (is_about_relaying: it is asked who mail is from or for) because it relays nothing for us. None
    where that is about the message.

    What it says then differs by sender and by the recipient's domain: so the message waits, and others are tried.
    """
    if hop is None or not hop.is_smarthost or not reply.is_permanent:
        return None
    said = str(reply)
    is_denied = is_about_relaying and said_cause(said) is Cause.RELAYING and not _OF_ANOTHER_HOST.search(said)
    if not is_denied and reply.enhanced not in _SENDER_IS_NOT_OURS:
        return None
    return Deferred(
        STATUS, f"The smarthost does not relay this as it is set up here (login, sender): {said}", peer
    )
