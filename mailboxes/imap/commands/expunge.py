"""EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1)."""

from django.utils import timezone

from mailboxes.imap.session import Session
from mailboxes.store.expunge import expunge as expunge_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Expunge
from mailhost.protocols.imap.responses import Reply, ok


async def expunge(session: Session, command: Expunge) -> Reply:
    selected = session.mailbox
    selected.refuse_if_read_only()
    view = await selected.view()
    uids = None
    if command.uids is not None:
        uids = view.uids_in(command.uids.positions_of_uids(view.uids))
    outcome = await in_store(expunge_messages, mailbox_id=selected.mailbox_id, uids=uids, now=timezone.now())
    # Arrivals that this session has not been told of may be among them: those it never hears of.
    selected.take_own_vanished(outcome.uids, outcome.modseq)
    selected.is_stale = True
    return ok("")
