"""CLOSE (RFC 3501 section 6.4.2): expunge without telling, and leave."""

from django.utils import timezone

from mailboxes.exceptions import NotPermitted
from mailboxes.imap.session import Session
from mailboxes.store.expunge import expunge as expunge_messages
from mailboxes.store.values import ExpungeOutcome
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Close
from mailhost.protocols.imap.responses import Reply, ok


async def close(session: Session, command: Close) -> Reply:
    selected = session.mailbox
    code = ""
    # RFC 4314 section 4: without the right e the mailbox is closed all the same.
    if not selected.is_read_only and "e" in selected.rights:
        outcome = await _expunge(session)
        if outcome.uids and "QRESYNC" in session.enabled:
            # RFC 7162 section 3.2.8. Where others changed something meanwhile, the client has not heard of that.
            is_next = outcome.modseq == selected.told_modseq + 1
            code = f"HIGHESTMODSEQ {outcome.modseq if is_next else selected.told_modseq}"
    await session.deselect()
    return ok("", code)


async def _expunge(session: Session) -> ExpungeOutcome:
    selected = session.mailbox
    try:
        return await in_store(
            expunge_messages, mailbox_id=selected.mailbox_id, acting_id=session.account_id, now=timezone.now()
        )
    except NotPermitted:  # the right was taken, and this session has not heard of it yet
        return ExpungeOutcome([], selected.modseq)
