"""Refusing a message before it is sent (RFC 3501 section 6.3.11, RFC 7889): what is known is said instead of "+"."""

from mailboxes.exceptions import MailboxFact
from mailboxes.store.append import SLOW_OCTETS
from mailboxes.store.quota import refuse_early
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.imap.appending import target_of
from mailhost.protocols.imap.framing import Framer, LiteralFollows

Obstacle = MailboxFact | StoreUnavailable


async def obstacle(
    framer: Framer, literal: LiteralFollows, *, account_id: int, has_utf8_names: bool
) -> Obstacle | None:
    """Why the message that is about to come would not be stored, as far as that is known.

    Small ones are not asked for: they are read sooner than the store has answered.
    """
    if literal.size < SLOW_OCTETS:
        return None
    target = target_of(framer.beginning, has_utf8_names=has_utf8_names)
    if target is None:
        return None
    name, is_append = target
    octets = framer.message_octets + literal.size if is_append else None
    try:
        await in_store(refuse_early, account_id=account_id, name=name, octets=octets)
    except (MailboxFact, StoreUnavailable) as error:
        return error
    return None
