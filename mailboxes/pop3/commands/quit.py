"""QUIT, and the UPDATE state behind it (RFC 1939 section 6)."""

import structlog
from django.utils import timezone

from mailboxes.exceptions import MailboxFact, MaildropInUse
from mailboxes.pop3.session import Session, SessionOver
from mailboxes.store.maildrop import update_maildrop
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.pop3.commands import Quit
from mailhost.protocols.pop3.replies import ResponseCode, err, ok

log = structlog.get_logger(__name__)


async def quit_(session: Session, command: Quit) -> None:
    """Takes exactly what was marked out of INBOX, in one transaction, before the answer; raises SessionOver.

    What another session has expunged meanwhile is gone as it should be, and no failure.
    """
    maildrop, principal = session.opened, session.principal
    uids = maildrop.deleted_uids if maildrop is not None else []
    if maildrop is None or principal is None or not uids:
        await session.leave()  # before the answer: a client that comes again at once finds nobody there
        raise SessionOver(ok("Goodbye."))
    session.leases.forget(principal.account_id, session.holder)
    try:
        await in_store(
            update_maildrop,
            account_id=principal.account_id,
            mailbox_id=maildrop.mailbox_id,
            holder=session.holder,
            uids=uids,
            keeps_copy=principal.pop3_keeps_copy,
            now=timezone.now(),
        )
    except (StoreUnavailable, MailboxFact) as fact:
        log.warning("not removed", login=principal.login, messages=len(uids), reason=str(fact))
        code = ResponseCode.IN_USE if isinstance(fact, MaildropInUse) else ResponseCode.SYS_TEMP
        raise SessionOver(err("Some deleted messages were not removed.", code)) from fact
    session.holder = ""
    raise SessionOver(ok(f"Goodbye, {len(uids)} {'archived' if principal.pop3_keeps_copy else 'removed'}."))
