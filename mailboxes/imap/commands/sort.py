"""SORT and UID SORT (RFC 5256 section 3), with RETURN as ESORT has it (RFC 5267 section 3)."""

from mailboxes.imap.finding import in_view, resolved_key, searching
from mailboxes.imap.progress import with_progress
from mailboxes.imap.search_answers import answer, emptied_on_refusal, refuse_switched_off
from mailboxes.imap.session import Session
from mailboxes.store.sort import sort as sort_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.search_responses import no_update
from mailhost.protocols.imap.sorting import DISPLAY, Sort


async def sort(session: Session, command: Sort) -> Reply:
    returns = command.returns
    if returns is not None and "ESORT" in session.switched_off:
        raise ImapSyntaxError("expected a sort key")
    if "SORT=DISPLAY" in session.switched_off and any(each.key in DISPLAY for each in command.criteria):
        raise ImapSyntaxError("that is not a sort key")
    refuse_switched_off(session, command.key, returns)
    with emptied_on_refusal(session, returns):
        key = await resolved_key(session, command)
        if returns is not None and "UPDATE" in returns.words:  # CONTEXT=SORT is not told
            session.write(no_update(session.tag))
        uids = await with_progress(session, _sort(session, command, key))
        await answer(session, command, in_view(await session.mailbox.view(), uids), returns=returns)
    return ok("")


async def _sort(session: Session, command: Sort, key: SearchKey) -> list[int]:
    mailbox_id = session.mailbox.mailbox_id
    async with searching(session, key):
        return await in_store(sort_messages, mailbox_id=mailbox_id, key=key, criteria=command.criteria)
