"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4; RFC 9051 section 6.4.4; RETURN as in RFC 4731, RFC 5182, RFC 9394)."""

from collections.abc import Sequence

from mailboxes.imap.finding import find, resolve, resolved_key
from mailboxes.imap.search_answers import answer, emptied_on_refusal, refuse_switched_off
from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Search
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_options import EVERYTHING
from mailhost.protocols.imap.search_responses import no_update


async def search(session: Session, command: Search) -> Reply:
    returns = command.returns
    refuse_switched_off(session, command.key, returns)
    if returns is not None and "UPDATE" in returns.words and session.tag in session.mailbox.contexts.by_tag:
        raise ImapSyntaxError("that tag's search is being kept up to date")  # RFC 5267 section 4.3
    if returns is None and "IMAP4rev2" in session.enabled:
        returns = EVERYTHING  # RFC 9051 section 6.4.4: the result is told in an ESEARCH response
    with emptied_on_refusal(session, returns):
        key = await resolved_key(session, command)
        uids = await find(session, key)
        if returns is not None and "UPDATE" in returns.words:
            await _keep(session, command, uids)
        await answer(session, command, uids, returns=returns)
    return ok("")


async def _keep(session: Session, command: Search, uids: Sequence[int]) -> None:
    """Tell from now on what comes into these results and what goes out of them (RFC 5267 section 4.3)."""
    selected = session.mailbox
    if not selected.contexts.has_room(len(uids)):
        session.write(no_update(session.tag))
        return
    key = resolve(command.key, selected, await selected.view(), is_kept=True)
    selected.contexts.keep(session.tag, key, uids, by_uid=command.by_uid, uid_next=selected.uid_next)
