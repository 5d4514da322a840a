"""Telling a client what changed in its selected mailbox, and elsewhere what it asked for (RFC 3501 section 7)."""

import structlog
from django.db import DatabaseError
from django.utils import timezone

from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailhost.net.store_threads import StoreUnavailable

log = structlog.get_logger(__name__)


async def tell_changes(
    session: Session, *, may_tell_expunges: bool, is_asked: bool = False, must_tell_expunges: bool = False
) -> None:
    """Tell what is new in the selected mailbox; `is_asked` looks even where nobody announced anything.

    RFC 3501 section 5.5: a client must wait for the reply before it counts on sequence numbers again. For those
    that do not, EXPUNGE waits while another command is here already: it was written with the numbers of before.
    `must_tell_expunges` is for commands that are about expunging, and end with it.

    While the store is away nothing is told: the next command will look again. After NOTIFY also what is new
    elsewhere, and no more than was asked for.
    """
    if session.selected is not None:
        may_tell_expunges = must_tell_expunges or (may_tell_expunges and not _may_count_on_numbers(session))
        await _tell_of_selected(session, session.selected, may_tell_expunges, is_asked)
    if session.news is not None:
        await session.news.tell()


def _may_count_on_numbers(session: Session) -> bool:
    """Whether a command is here already that was written with the sequence numbers of now."""
    return session.connection.has_line and "UIDONLY" not in session.enabled


async def _tell_of_selected(
    session: Session, selected: Selected, may_tell_expunges: bool, is_asked: bool
) -> None:
    contexts = selected.contexts
    try:
        if is_asked or selected.is_stale:
            await selected.sync()
        answers = []
        if contexts:
            answers = await contexts.look_again(
                selected.mailbox_id, now=timezone.now(), searching=session.host.searching
            )
    except (StoreUnavailable, DatabaseError) as error:
        log.info("changes not looked at", error=str(error))
        return
    told = selected.tell(may_tell_expunges=may_tell_expunges, answers=answers)
    if told:
        await session.send(told)
    if selected.arrivals and session.news is not None:
        arrivals, selected.arrivals = selected.arrivals, []
        await session.news.tell_new_messages(arrivals)
