"""THREAD and UID THREAD (RFC 5256 section 3)."""

from mailboxes.imap.finding import resolved_key, searching
from mailboxes.imap.progress import with_progress
from mailboxes.imap.search_answers import refuse_switched_off
from mailboxes.imap.session import Session
from mailboxes.store.thread import thread as thread_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_keys import And, SearchKey, Uids
from mailhost.protocols.imap.sorting import Thread
from mailhost.protocols.imap.threads import Forest, format_threads


async def thread(session: Session, command: Thread) -> Reply:
    if command.algorithm.value in session.switched_off:
        raise ImapSyntaxError(f"{command.algorithm.name} is not a threading algorithm")
    refuse_switched_off(session, command.key)
    key = await resolved_key(session, command)
    selected = session.mailbox
    # What arrives from now on has no number yet that the client knows.
    known = And((Uids(((1, selected.uid_next),)), key))
    forest = await with_progress(session, _thread(session, command, known))
    numbers = forest.uids
    if not command.by_uid:
        position = (await selected.view()).position
        numbers = [(position(uid) or 0) + 1 for uid in forest.uids]
    await session.send(format_threads(forest, numbers))
    return ok("")


async def _thread(session: Session, command: Thread, key: SearchKey) -> Forest:
    mailbox_id = session.mailbox.mailbox_id
    async with searching(session, key):
        return await in_store(thread_messages, mailbox_id=mailbox_id, key=key, algorithm=command.algorithm)
