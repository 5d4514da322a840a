"""Mail to the operators, and to who answers for the domain, about accounts that send too much: once in a while."""

import secrets
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings

from delivery.acceptance import Acceptance, accept_now
from mailboxes.accounts import postmasters
from mailboxes.exceptions import MailboxFact
from mailhost.net import counters
from mailhost.protocols.message.composing import compose
from mailhost.protocols.message.reading import Correspondent

log = structlog.get_logger(__name__)

# For each matter. Whoever runs into a limit does so with every message.
WINDOW_SECONDS: Final = 6 * 3_600


def alert(*, key: str, domain: str | None, subject: str, text: str, now: datetime) -> bool:
    """Sends it, unless there was one of this key lately; whether it did. A full mailbox is no reason to fail."""
    log.warning("alert", matter=key, subject=subject)
    if counters.increment(f"alert:{key}", window_seconds=WINDOW_SECONDS) > 1:
        return False
    readers = tuple(each.account_id for each in postmasters(domain=domain))
    if not readers:
        return False
    octets = compose(
        from_=Correspondent("Mail host", f"postmaster@{settings.HOSTNAME}"),
        to=[Correspondent("", f"postmaster@{domain or settings.HOSTNAME}")],
        cc=[],
        subject=subject,
        text=text,
        in_reply_to="",
        references=(),
        message_id=f"<{secrets.token_hex(16)}@{settings.HOSTNAME}>",
        date=now,
        attachments=(),
    )
    try:
        accept_now(Acceptance(b"Return-Path: <>\r\n" + octets, readers), now=now)
    except MailboxFact as fact:
        log.warning("an alert could not be delivered", matter=key, reason=str(fact))
        return False
    return True
