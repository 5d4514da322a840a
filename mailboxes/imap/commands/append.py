"""APPEND (RFC 3501 section 6.3.11) of one message or several (RFC 3502), with APPENDUID (RFC 4315 section 3)."""

import re
from collections.abc import Sequence

from django.utils import timezone

from mailboxes.imap.assembling import Draft, assemble
from mailboxes.imap.progress import with_progress
from mailboxes.imap.session import Session
from mailboxes.store.append import append as append_messages
from mailboxes.store.rights import find
from mailboxes.store.values import Appended
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.appending import Append
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.sequence_sets import format_set

_JUNK_NAME = re.compile("junk|spam", re.IGNORECASE)


async def append(session: Session, command: Append) -> Reply:
    drafts = await assemble(session, command.messages, command.extensions)
    appended = await _append_with_others(session, command.name, drafts)
    if appended is None:
        appended = await with_progress(session, in_store(_append, session.account_id, command.name, drafts))
    session.note_own_arrivals(command.name, appended.uids)
    if session.selected is not None:
        session.selected.is_stale = True  # they may have gone there: section 6.3.11 wants EXISTS at once
    return ok("", appenduid(appended))


def appenduid(appended: Appended) -> str:
    """The response code."""
    return f"APPENDUID {appended.uid_validity} {format_set(appended.uids)}"


async def _append_with_others(session: Session, name: str, drafts: Sequence[Draft]) -> Appended | None:
    """A small message of its own shares a commit with those of other sessions; None where it is another case.

    So is what seems to go into Junk: that is a lesson, which is noted where deliveries are told from it.
    """
    if len(drafts) != 1 or not drafts[0].is_small or _JUNK_NAME.search(name):
        return None
    return await session.host.arriving.append(
        account_id=session.account_id, name=name, message=drafts[0].prepared()
    )


def _append(account_id: int, name: str, drafts: Sequence[Draft]) -> Appended:
    target = find(account_id=account_id, name=name, needed="i")
    return append_messages(
        account_id=target.account_id,
        mailbox_id=target.mailbox_id,
        contents=[draft.prepared() for draft in drafts],
        acting_id=account_id,
        now=timezone.now(),
    )
