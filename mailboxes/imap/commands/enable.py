"""ENABLE (RFC 5161; RFC 9051 section 6.3.1)."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.enabling import CAN_BE_ENABLED, IMPLIES, Enable
from mailhost.protocols.imap.responses import Reply, ok, untagged


async def enable(session: Session, command: Enable) -> Reply:
    """What is unknown, or nothing that can be enabled, is passed over without a word (section 3.1)."""
    told = [
        word
        for word in CAN_BE_ENABLED
        if word.upper() in command.words and session.switched_off.isdisjoint({word, *IMPLIES.get(word, ())})
    ]
    session.write(untagged(" ".join(["ENABLED", *told])))
    for word in told:
        session.enable(word)
    return ok("")
