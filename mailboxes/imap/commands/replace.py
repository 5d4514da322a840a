"""REPLACE and UID REPLACE (RFC 8508)."""

from django.utils import timezone

from mailboxes.imap.assembling import Draft, assemble
from mailboxes.imap.commands.append import appenduid
from mailboxes.imap.commands.expunge import highest_modseq
from mailboxes.imap.commands.store import resolve
from mailboxes.imap.progress import with_progress
from mailboxes.imap.refusals import Refused
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailboxes.store.replace import Replaced
from mailboxes.store.replace import replace as replace_message
from mailboxes.store.rights import find
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.appending import Replace
from mailhost.protocols.imap.responses import Reply, ok, status_line


async def replace(session: Session, command: Replace) -> Reply:
    selected = session.mailbox
    selected.refuse_if_read_only()
    ranges = await resolve(selected, command.replaced, by_uid=command.by_uid)
    uids = (await selected.view()).uids_in(ranges)
    if not uids:
        raise Refused("There is no such message.", "NONEXISTENT")
    (draft,) = await assemble(session, [command.message], command.message.extensions)
    done = await with_progress(
        session, in_store(_replace, session.account_id, selected, uids[0], command.name, draft)
    )
    # Section 3.4: before the EXPUNGE, so that the client never finds itself without the message.
    session.write(status_line("*", "OK", "Replacement message ready", appenduid(done.appended)))
    session.note_own_arrivals(command.name, done.appended.uids)
    selected.take_own_vanished(done.expunged.uids, done.expunged.modseq)
    selected.is_stale = True
    await tell_changes(session, may_tell_expunges=True, must_tell_expunges=True)
    return ok("", highest_modseq(session))


def _replace(account_id: int, selected: Selected, uid: int, name: str, draft: Draft) -> Replaced:
    target = find(account_id=account_id, name=name, needed="i")
    return replace_message(
        account_id=account_id,
        mailbox_id=selected.mailbox_id,
        owner_id=selected.owner_id,
        uid=uid,
        to_mailbox_id=target.mailbox_id,
        to_owner_id=target.account_id,
        message=draft.prepared(),
        now=timezone.now(),
    )
