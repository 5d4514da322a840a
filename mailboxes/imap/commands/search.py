"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4; RFC 9051 section 6.4.4; RETURN as in RFC 4731, RFC 5182, RFC 9394)."""

from mailboxes.imap.finding import find, resolved_key
from mailboxes.imap.search_answers import answer, emptied_on_refusal, refuse_switched_off
from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Search
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_options import EVERYTHING


async def search(session: Session, command: Search) -> Reply:
    returns = command.returns
    refuse_switched_off(session, returns)
    if returns is None and "IMAP4rev2" in session.enabled:
        returns = EVERYTHING  # RFC 9051 section 6.4.4: the result is told in an ESEARCH response
    with emptied_on_refusal(session, returns):
        key = await resolved_key(session, command)
        uids = await find(session, key)
        await answer(session, command, uids, returns=returns)
    return ok("")
