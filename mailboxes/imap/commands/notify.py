"""NOTIFY (RFC 5465 section 3.1): events of which mailboxes are told from now on, also between commands."""

from mailboxes.imap.hearing import EVERYTHING
from mailboxes.imap.notifying import Notifying
from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import Attribute, extension_of
from mailhost.protocols.imap.notify import BADEVENT, Notify
from mailhost.protocols.imap.responses import Reply, ok


async def notify(session: Session, command: Notify) -> Reply:
    if command.has_unsupported:
        raise Refused("There are no such events here.", BADEVENT)
    items = {item for group in command.groups for item in group.items}
    if any(extension_of(item) in session.switched_off for item in items):
        raise ImapSyntaxError("that is not a FETCH item")
    news = Notifying(session, command.groups)
    told = await news.begin(with_status=command.with_status)
    try:
        if Attribute.MODSEQ in items:
            session.enable("CONDSTORE")
        await _catch_up(session)
    except BaseException:
        news.close()
        raise
    session.listen_to(news)
    await session.send(told)
    return ok("")


async def _catch_up(session: Session) -> None:
    """Tell all that has happened in the selected mailbox, whatever is to be told of it from now on."""
    if session.selected is not None:
        session.selected.hearing = EVERYTHING
        await tell_changes(session, may_tell_expunges=True, is_asked=True)
