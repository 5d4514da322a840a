"""EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1)."""

from django.utils import timezone

from mailboxes.imap.commands.store import resolve
from mailboxes.imap.progress import with_progress
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
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
        uids = view.span(await resolve(selected, command.uids, by_uid=True))
    outcome = await with_progress(
        session,
        in_store(
            expunge_messages,
            mailbox_id=selected.mailbox_id,
            uids=uids,
            acting_id=session.account_id,
            now=timezone.now(),
        ),
    )
    # Arrivals that this session has not been told of may be among them: those it never hears of.
    selected.take_own_vanished(outcome.uids, outcome.modseq)
    selected.is_stale = True
    if not outcome.uids:
        return ok("")
    await tell_changes(session, may_tell_expunges=True, must_tell_expunges=True)
    return ok("", highest_modseq(session))


def highest_modseq(session: Session) -> str:
    """The response code for who re-syncs (RFC 7162 section 3.2.7): up to where this client has heard everything."""
    return f"HIGHESTMODSEQ {session.mailbox.told_modseq}" if "QRESYNC" in session.enabled else ""
