"""QUIT, and the UPDATE state behind it (RFC 1939 section 6)."""

import structlog
from django.utils import timezone

from mailboxes.exceptions import MailboxNotFound
from mailboxes.pop3.session import Session, SessionOver
from mailboxes.store.expunge import expunge
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.pop3.commands import Quit
from mailhost.protocols.pop3.replies import ResponseCode, err, ok

log = structlog.get_logger(__name__)


async def quit_(session: Session, command: Quit) -> None:
    """Expunges exactly what was marked, in one transaction, before the answer; raises SessionOver.

    What another session has expunged meanwhile is gone as it should be, and no failure.
    """
    maildrop = session.opened
    uids = maildrop.deleted_uids if maildrop is not None else []
    if maildrop is None or not uids:
        raise SessionOver(ok("Goodbye."))
    try:
        await in_store(
            expunge, mailbox_id=maildrop.mailbox_id, uids=uids, now=timezone.now(), only_deleted=False
        )
    except (StoreUnavailable, MailboxNotFound) as fact:
        log.warning("not removed", login=session.login, messages=len(uids), reason=str(fact))
        reply = err("Some deleted messages were not removed.", ResponseCode.SYS_TEMP)
        raise SessionOver(reply) from fact
    raise SessionOver(ok(f"Goodbye, {len(uids)} removed."))
