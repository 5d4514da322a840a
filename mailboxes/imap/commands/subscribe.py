"""SUBSCRIBE and UNSUBSCRIBE (RFC 3501 sections 6.3.6 and 6.3.7)."""

from mailboxes.exceptions import MailboxNotFound
from mailboxes.imap.session import Session
from mailboxes.store.by_name import subscribe as set_subscribed
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Subscribe
from mailhost.protocols.imap.responses import Reply, ok


async def subscribe(session: Session, command: Subscribe) -> Reply:
    try:
        await in_store(
            set_subscribed,
            account_id=session.account_id,
            name=command.name.removesuffix("/"),
            is_subscribed=command.is_subscribed,
        )
    except MailboxNotFound:
        if command.is_subscribed:
            raise
        # A name that nobody has is not subscribed either: clients tidy up so after DELETE.
    return ok("")
