"""THREAD and UID THREAD (RFC 5256 section 3)."""

from mailboxes.imap.finding import resolved_key, searching
from mailboxes.imap.session import Session
from mailboxes.store.thread import thread as thread_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_keys import And, Uids
from mailhost.protocols.imap.sorting import Thread
from mailhost.protocols.imap.threads import format_threads


async def thread(session: Session, command: Thread) -> Reply:
    if command.algorithm.value in session.switched_off:
        raise ImapSyntaxError(f"{command.algorithm.name} is not a threading algorithm")
    key = await resolved_key(session, command)
    selected = session.mailbox
    # What arrives from now on has no number yet that the client knows.
    known = And((Uids(((1, selected.uid_next),)), key))
    async with searching(session, key):
        forest = await in_store(
            thread_messages, mailbox_id=selected.mailbox_id, key=known, algorithm=command.algorithm
        )
    numbers = forest.uids
    if not command.by_uid:
        position = (await selected.view()).position
        numbers = [(position(uid) or 0) + 1 for uid in forest.uids]
    await session.send(format_threads(forest, numbers))
    return ok("")
